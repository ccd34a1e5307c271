//! A symbol as a profile writes it in, its structure out: crate, path, impl, trait and names, in one form for all spellings.
//!
//! v0 names are taken apart from the mangled form, which alone keeps the module that holds an impl; legacy names and
//! names that were demangled already are taken apart as text.

use super::{text, v0};

/// A symbol taken apart as far as its spelling tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// Crates that may hold the function: one for plain paths and v0 names; every crate mentioned for a written-out
    /// impl, whose own crate text does not tell. Empty for bare names (`memcpy`, `{closure#0}`).
    pub crates: Vec<String>,
    /// Names after the crate (plain path) or after the impl; closures and generic arguments are left out.
    pub path: Vec<String>,
    /// From where on `path` names functions rather than modules and types, where the mangling tells.
    pub functions_from: Option<usize>,
    /// The impl that the function stands in, if it is a method.
    pub in_impl: Option<Impl>,
}

/// The impl of a method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impl {
    /// Module that holds the impl, without the crate; `None` where the spelling does not tell.
    pub module: Option<Vec<String>>,
    /// Path of the self type with its crate, without generic arguments; `["&"]`-like heads for types without a path.
    pub self_type: Vec<String>,
    /// Path of the trait with its crate; `None` for an inherent impl.
    pub trait_path: Option<Vec<String>>,
}

impl Symbol {
    /// Takes a symbol apart, however it is spelled.
    pub fn parse(symbol: &str) -> Symbol {
        let symbol = symbol.trim();
        if let Some(parsed) = v0::parse(symbol) {
            return parsed;
        }
        match rustc_demangle::try_demangle(symbol) {
            Ok(demangled) => text::parse(&format!("{demangled:#}")),
            Err(_) => text::parse(symbol),
        }
    }

    /// True if the name tells neither crate nor impl, as inlined frames of `debug = line-tables-only` and C do.
    pub fn is_bare(&self) -> bool {
        self.crates.is_empty()
    }

    /// The name for people, `gw::risk::Scorer::score`.
    pub fn shown(&self) -> String {
        let name = self.path.join("::");
        match (&self.in_impl, self.crates.first()) {
            (Some(Impl { self_type, trait_path: Some(of), .. }), _) => {
                format!("<{} as {}>::{name}", self_type.join("::"), of.join("::"))
            }
            (Some(Impl { self_type, .. }), _) => format!("{}::{name}", self_type.join("::")),
            (None, Some(krate)) => format!("{krate}::{name}"),
            (None, None) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(symbol: &str, expected: &str) {
        let s = Symbol::parse(symbol);
        let imp = s.in_impl.as_ref().map_or(String::new(), |i| {
            let module = i.module.as_ref().map_or("?".to_owned(), |m| m.join("::"));
            let of = i.trait_path.as_ref().map_or("-".to_owned(), |t| t.join("::"));
            format!(" impl {of} for {} in {module}", i.self_type.join("::"))
        });
        assert_eq!(format!("{}|{}{imp}", s.crates.join(","), s.path.join("::")), expected, "{symbol}");
    }

    #[test]
    fn v0_names_of_functions_and_closures() {
        check("_RNvCsfTVhDoAT1RM_2gw4work", "gw|work");
        check("_RNCNvCsfTVhDoAT1RM_2gw4mains_0B3_", "gw|main");
        check("_RNCNvNtCsjrHSEGnQ3l9_2gw7handler9authorize0", "gw|handler::authorize");
        check("_RNvCsfTVhDoAT1RM_2gw4work.llvm.1234567890", "gw|work");
    }

    #[test]
    fn a_generic_function_of_std_stays_in_std_whatever_it_was_made_for() {
        check(
            "_RINvNtNtCsjrHSEGnQ3l9_3std3sys9backtrace28___rust_begin_short_backtraceNCNvCsfTVhDoAT1RM_2gw4mains_0yEB1b_",
            "std|sys::backtrace::__rust_begin_short_backtrace",
        );
        check(
            "_RINvNtNtNtNtCsgEmfK2I1SDS_4core5slice4sort8unstable9quicksort9quicksortyNvYyNtNtBa_3cmp10PartialOrd2ltECsfTVhDoAT1RM_2gw",
            "core|slice::sort::unstable::quicksort::quicksort",
        );
        check(
            "_RNSNvYNCINvNtNtCsjrHSEGnQ3l9_3std6thread9lifecycle15spawn_uncheckedNCNvCsfTVhDoAT1RM_2gw4mains_0yEs_0INtNtNtCsgEmfK2I1SDS_4core3ops8function6FnOnceuE9call_once6vtableB17_",
            "core|call_once impl core::ops::function::FnOnce for std::thread::lifecycle::spawn_unchecked in ?",
        );
    }

    #[test]
    fn v0_impls_keep_the_module_that_holds_them() {
        check(
            "_RNvXs_NtCs1234_7mycrate4riskNtB4_6ScorerNtB6_5Score5score",
            "mycrate|score impl mycrate::Score for mycrate::risk::Scorer in risk",
        );
        check("_RNvMs_Cs1234_6hotsvcINtB4_4EchohE4treeB4_", "hotsvc|tree impl - for hotsvc::Echo in ");
        check(
            "_RNvMNtCsgEmfK2I1SDS_4core5sliceSy13sort_unstableCsfTVhDoAT1RM_2gw",
            "core|sort_unstable impl - for [] in slice",
        );
        check(
            "_RNvNvMs0_NtNtNtCsjrHSEGnQ3l9_3std3sys6thread4unixNtB7_6Thread3new12thread_start",
            "std|new::thread_start impl - for std::sys::thread::unix::Thread in sys::thread::unix",
        );
    }

    #[test]
    fn v0_types_of_every_shape_are_read_past() {
        check("_RINvCs1_3svc5applyFyEyAhj4_E", "svc|apply");
        check("_RINvCs1_3svc5applyFUKCyEuRL_NtB2_1TEB2_", "svc|apply");
        check(
            "_RNvXst_NtCslNYArtu3iFV_5alloc5boxedINtB5_3BoxDINtNtNtCsgEmfK2I1SDS_4core3ops8function6FnOnceuEp6OutputuNtNtBP_6marker4SendEL_EIBJ_uE9call_onceCsjrHSEGnQ3l9_3std",
            "alloc|call_once impl core::ops::function::FnOnce for alloc::boxed::Box in boxed",
        );
    }

    #[test]
    fn legacy_names_lose_hash_and_escapes() {
        check("_ZN2gw4risk6Scorer5score17h0123456789abcdefE", "gw|risk::Scorer::score");
        check(
            "_ZN46_$LT$gw..risk..Scorer$u20$as$u20$gw..Score$GT$5score17h0123456789abcdefE",
            "gw|score impl gw::Score for gw::risk::Scorer in ?",
        );
        check("_ZN2gw4main28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE.llvm.99", "gw|main");
        check(
            "_ZN5alloc5slice29_$LT$impl$u20$$u5b$T$u5d$$GT$6to_vec17h0123456789abcdefE",
            "alloc|to_vec impl - for [] in slice",
        );
    }

    #[test]
    fn demangled_text_of_both_manglings() {
        check("<gw::risk::Scorer as gw::Score>::score", "gw|score impl gw::Score for gw::risk::Scorer in ?");
        check("<gw::risk::Scorer>::new", "gw|new impl - for gw::risk::Scorer in ?");
        check("gw::handler::{closure#0}", "gw|handler");
        check("gw::handler::{{closure}}::{{closure}}", "gw|handler");
        check("gw::fetch::<fn(u64) -> u64, [u8; 4]>", "gw|fetch");
        check("gw::risk::Pair<u8>::tree", "gw|risk::Pair::tree");
        check(
            "gw::risk::<impl gw::Score for gw::ledger::Scorer>::score",
            "gw|score impl gw::Score for gw::ledger::Scorer in risk",
        );
        check("core::ops::function::FnOnce::call_once{{vtable.shim}}", "core|ops::function::FnOnce::call_once");
        check("gw[1a2b3c4d]::work", "gw|work");
        check("gw::work::h0123456789abcdef", "gw|work");
    }

    #[test]
    fn text_that_was_cut_or_half_decoded_is_still_read() {
        check("_<gw..risk..Scorer as gw..Score>::score", "gw|score impl gw::Score for gw::risk::Scorer in ?");
        check(
            "_$LT$gw..risk..Scorer$u20$as$u20$gw..Score$GT$::score",
            "gw|score impl gw::Score for gw::risk::Scorer in ?",
        );
        check("<gw::risk::Scorer as _>::score", "gw|score impl _ for gw::risk::Scorer in ?");
        check("gw::apply(u64, fn(u8) -> u8)", "gw|apply");
        check(
            "<alloc::boxed::Box<dyn core::ops::function::FnOnce<(), Output = ()> + core::marker::Send> as core::ops::function::FnOnce<()>>::call_once",
            "alloc,core|call_once impl core::ops::function::FnOnce for alloc::boxed::Box in ?",
        );
        check("<T as gw::Score>::score", "gw|score impl gw::Score for T in ?");
    }

    #[test]
    fn names_without_a_crate_are_bare() {
        for name in [
            "malloc",
            "__memmove_avx_unaligned_erms",
            "[unknown]",
            "{async_fn#0}",
            "start_thread",
            "",
            "::",
            "<",
            "_R",
            "_RNv",
            "_ZN",
        ] {
            assert!(Symbol::parse(name).is_bare(), "{name}: {:?}", Symbol::parse(name));
        }
    }

    #[test]
    fn a_backward_reference_to_itself_ends() {
        assert_eq!(v0::parse("_RNvB_4loop"), None);
        assert_eq!(v0::parse("_RINvCs_1a1bB_E"), None);
    }
}
