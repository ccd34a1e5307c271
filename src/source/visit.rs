//! A syntax tree and a visitor in; every node of it, in the order of the source, to the visitor's methods.
//!
//! The same as `syn::visit`, but the walk between the methods exists once: syn's is instantiated for each visitor, some fifty
//! functions each, and for all visitors here together that was two fifths of the whole program.
//!
//! Who looks for statements and expressions alone implements the `Visit` of [`code`], whose walk leaves out what makes up half
//! of a tree: names, types, patterns, generics and attributes.

macro_rules! walk {
    (nodes: $($visit:ident($Node:ident))*; left_out: $($skip:ident($Skipped:ident))*) => {
        /// A visitor as it is, for the walk: given to every visitor.
        pub trait Dynamic<'ast> {
            /// The visitor behind a pointer.
            fn dynamic(&mut self) -> &mut (dyn Visit<'ast> + '_);
        }

        impl<'ast, V: Visit<'ast>> Dynamic<'ast> for V {
            fn dynamic(&mut self) -> &mut (dyn Visit<'ast> + '_) {
                self
            }
        }

        /// What looks at nodes of a syntax tree. A method that is not written goes on with what the node holds; one that is
        /// written does so by calling the function of the same name.
        pub trait Visit<'ast>: Dynamic<'ast> {
            $(
                #[doc = concat!("Looks at a `syn::", stringify!($Node), "`.")]
                fn $visit(&mut self, node: &'ast syn::$Node) {
                    $visit(self.dynamic(), node);
                }
            )*
        }

        $(
            // Inlined into a visitor, its calls would be known, and inlined in turn, without end: the optimiser took ten minutes.
            #[doc = concat!("Visits what a `syn::", stringify!($Node), "` holds.")]
            #[inline(never)]
            pub fn $visit<'ast>(visitor: &mut (dyn Visit<'ast> + '_), node: &'ast syn::$Node) {
                syn::visit::$visit(&mut Walk(visitor), node);
            }
        )*

        /// A visitor on syn's own walk.
        struct Walk<'v, 'ast>(&'v mut (dyn Visit<'ast> + 'v));

        impl<'ast> syn::visit::Visit<'ast> for Walk<'_, 'ast> {
            $(
                fn $visit(&mut self, node: &'ast syn::$Node) {
                    self.0.$visit(node);
                }
            )*
            $(
                fn $skip(&mut self, _: &'ast syn::$Skipped) {}
            )*
        }
    };
}

walk! {
    nodes:
    visit_arm(Arm)
    visit_attribute(Attribute)
    visit_block(Block)
    visit_expr(Expr)
    visit_expr_assign(ExprAssign)
    visit_expr_async(ExprAsync)
    visit_expr_await(ExprAwait)
    visit_expr_binary(ExprBinary)
    visit_expr_call(ExprCall)
    visit_expr_closure(ExprClosure)
    visit_expr_const(ExprConst)
    visit_expr_field(ExprField)
    visit_expr_for_loop(ExprForLoop)
    visit_expr_if(ExprIf)
    visit_expr_index(ExprIndex)
    visit_expr_loop(ExprLoop)
    visit_expr_method_call(ExprMethodCall)
    visit_expr_path(ExprPath)
    visit_expr_reference(ExprReference)
    visit_expr_struct(ExprStruct)
    visit_expr_try(ExprTry)
    visit_expr_try_block(ExprTryBlock)
    visit_expr_unsafe(ExprUnsafe)
    visit_expr_while(ExprWhile)
    visit_field(Field)
    visit_field_value(FieldValue)
    visit_file(File)
    visit_generic_argument(GenericArgument)
    visit_impl_item_const(ImplItemConst)
    visit_impl_item_fn(ImplItemFn)
    visit_item(Item)
    visit_item_const(ItemConst)
    visit_item_enum(ItemEnum)
    visit_item_fn(ItemFn)
    visit_item_impl(ItemImpl)
    visit_item_macro(ItemMacro)
    visit_item_mod(ItemMod)
    visit_item_static(ItemStatic)
    visit_item_struct(ItemStruct)
    visit_item_trait(ItemTrait)
    visit_local(Local)
    visit_local_init(LocalInit)
    visit_macro(Macro)
    visit_pat(Pat)
    visit_pat_ident(PatIdent)
    visit_pat_struct(PatStruct)
    visit_path(Path)
    visit_return_type(ReturnType)
    visit_signature(Signature)
    visit_stmt(Stmt)
    visit_trait_item_const(TraitItemConst)
    visit_trait_item_fn(TraitItemFn)
    visit_type(Type)
    visit_type_impl_trait(TypeImplTrait)
    visit_variant(Variant);

    left_out:
}

/// The walk through statements, expressions and the items around them.
pub mod code {
    walk! {
        nodes:
        visit_arm(Arm)
        visit_block(Block)
        visit_expr(Expr)
        visit_expr_assign(ExprAssign)
        visit_expr_async(ExprAsync)
        visit_expr_await(ExprAwait)
        visit_expr_binary(ExprBinary)
        visit_expr_call(ExprCall)
        visit_expr_closure(ExprClosure)
        visit_expr_const(ExprConst)
        visit_expr_field(ExprField)
        visit_expr_for_loop(ExprForLoop)
        visit_expr_if(ExprIf)
        visit_expr_index(ExprIndex)
        visit_expr_loop(ExprLoop)
        visit_expr_method_call(ExprMethodCall)
        visit_expr_path(ExprPath)
        visit_expr_reference(ExprReference)
        visit_expr_struct(ExprStruct)
        visit_expr_try(ExprTry)
        visit_expr_try_block(ExprTryBlock)
        visit_expr_unsafe(ExprUnsafe)
        visit_expr_while(ExprWhile)
        visit_field_value(FieldValue)
        visit_file(File)
        visit_impl_item_const(ImplItemConst)
        visit_impl_item_fn(ImplItemFn)
        visit_item(Item)
        visit_item_const(ItemConst)
        visit_item_enum(ItemEnum)
        visit_item_fn(ItemFn)
        visit_item_impl(ItemImpl)
        visit_item_macro(ItemMacro)
        visit_item_mod(ItemMod)
        visit_item_static(ItemStatic)
        visit_item_struct(ItemStruct)
        visit_item_trait(ItemTrait)
        visit_local(Local)
        visit_local_init(LocalInit)
        visit_macro(Macro)
        visit_stmt(Stmt)
        visit_trait_item_const(TraitItemConst)
        visit_trait_item_fn(TraitItemFn)
        visit_variant(Variant);

        left_out:
        visit_angle_bracketed_generic_arguments(AngleBracketedGenericArguments)
        visit_attribute(Attribute)
        visit_fields(Fields)
        visit_generics(Generics)
        visit_label(Label)
        visit_lit(Lit)
        visit_pat(Pat)
        visit_path(Path)
        visit_qself(QSelf)
        visit_return_type(ReturnType)
        visit_signature(Signature)
        visit_type(Type)
        visit_use_tree(UseTree)
        visit_visibility(Visibility)
    }
}
