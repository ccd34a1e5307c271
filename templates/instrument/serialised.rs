    /// A value as text, by what serde is told of it; `None` where it cannot be told.
    fn serialised<T: ::serde::Serialize + ?Sized>(value: &T) -> Option<String> {
        catch_unwind(AssertUnwindSafe(|| value.serialize(serialised::Writer).ok())).ok()?
    }

    impl<R: ::serde::Serialize> ::serde::Serialize for Ran<R> {
        fn serialize<S: ::serde::Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
            match self {
                Ran::Gave(value) => value.serialize(writer),
                Ran::Panicked(text) => writer.collect_str(&format!("panic {text:?}")),
            }
        }
    }

    impl<T: ::serde::Serialize + ?Sized> ShownSerialised for Of<'_, T> {
        fn shown(&self) -> Option<String> {
            serialised(self.0)
        }
    }

    impl<T: ::serde::Serialize + ?Sized> BySerialised for &Pair<'_, T> {
        fn equal(&self) -> Option<bool> {
            let (old, new) = (serialised(self.0)?, serialised(self.1)?);
            Some(old == new)
        }
    }

    mod serialised {
        use ::serde::ser::{self, Serialize};
        use ::std::fmt;
        use ::std::string::{String, ToString};
        use ::std::vec::Vec;
        use ::std::{format, option::Option, option::Option::*, result::Result, result::Result::*};

        /// What a value says of itself as an error.
        #[derive(Debug)]
        pub struct Refused(String);

        impl fmt::Display for Refused {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ::std::error::Error for Refused {}

        impl ser::Error for Refused {
            fn custom<T: fmt::Display>(what: T) -> Refused {
                Refused(what.to_string())
            }
        }

        type Text = Result<String, Refused>;

        pub struct Writer;

        /// What a value consists of.
        pub struct Parts {
            head: String,
            parts: Vec<String>,
            /// Maps have no order: two of the same entries may tell them differently.
            is_sorted: bool,
        }

        impl Parts {
            fn of(head: &str) -> Result<Parts, Refused> {
                Ok(Parts { head: head.into(), parts: Vec::new(), is_sorted: false })
            }

            fn text(mut self) -> String {
                if self.is_sorted {
                    self.parts.sort();
                }
                format!("{}({})", self.head, self.parts.join(", "))
            }
        }

        macro_rules! plain {
            ($($name:ident: $ty:ty),*) => {$(
                fn $name(self, value: $ty) -> Text {
                    Ok(format!("{value:?}"))
                }
            )*};
        }

        impl ser::Serializer for Writer {
            type Ok = String;
            type Error = Refused;
            type SerializeSeq = Parts;
            type SerializeTuple = Parts;
            type SerializeTupleStruct = Parts;
            type SerializeTupleVariant = Parts;
            type SerializeMap = Parts;
            type SerializeStruct = Parts;
            type SerializeStructVariant = Parts;

            plain!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
            plain!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char);
            plain!(serialize_f32: f32, serialize_f64: f64, serialize_i128: i128, serialize_u128: u128);
            plain!(serialize_str: &str, serialize_bytes: &[u8]);

            fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Text {
                self.serialize_str(&value.to_string())
            }

            fn serialize_none(self) -> Text {
                Ok("None".into())
            }

            fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Text {
                Ok(format!("Some({})", value.serialize(Writer)?))
            }

            fn serialize_unit(self) -> Text {
                Ok("()".into())
            }

            fn serialize_unit_struct(self, name: &'static str) -> Text {
                Ok(name.into())
            }

            fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Text {
                Ok(variant.into())
            }

            fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Text {
                Ok(format!("{name}({})", value.serialize(Writer)?))
            }

            fn serialize_newtype_variant<T: Serialize + ?Sized>(
                self,
                _: &'static str,
                _: u32,
                variant: &'static str,
                value: &T,
            ) -> Text {
                Ok(format!("{variant}({})", value.serialize(Writer)?))
            }

            fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Refused> {
                Parts::of("")
            }

            fn serialize_tuple(self, _: usize) -> Result<Parts, Refused> {
                Parts::of("")
            }

            fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts, Refused> {
                Parts::of(name)
            }

            fn serialize_tuple_variant(
                self,
                _: &'static str,
                _: u32,
                variant: &'static str,
                _: usize,
            ) -> Result<Parts, Refused> {
                Parts::of(variant)
            }

            fn serialize_map(self, _: Option<usize>) -> Result<Parts, Refused> {
                Ok(Parts { is_sorted: true, ..Parts::of("")? })
            }

            fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts, Refused> {
                Parts::of(name)
            }

            fn serialize_struct_variant(
                self,
                _: &'static str,
                _: u32,
                variant: &'static str,
                _: usize,
            ) -> Result<Parts, Refused> {
                Parts::of(variant)
            }
        }

        macro_rules! listed {
            ($($Trait:ident::$method:ident),*) => {$(
                impl ser::$Trait for Parts {
                    type Ok = String;
                    type Error = Refused;

                    fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                        self.parts.push(value.serialize(Writer)?);
                        Ok(())
                    }

                    fn end(self) -> Text {
                        Ok(self.text())
                    }
                }
            )*};
        }

        listed!(SerializeSeq::serialize_element, SerializeTuple::serialize_element);
        listed!(SerializeTupleStruct::serialize_field, SerializeTupleVariant::serialize_field);

        macro_rules! named {
            ($($Trait:ident),*) => {$(
                impl ser::$Trait for Parts {
                    type Ok = String;
                    type Error = Refused;

                    fn serialize_field<T: Serialize + ?Sized>(
                        &mut self,
                        name: &'static str,
                        value: &T,
                    ) -> Result<(), Refused> {
                        self.parts.push(format!("{name}: {}", value.serialize(Writer)?));
                        Ok(())
                    }

                    fn end(self) -> Text {
                        Ok(self.text())
                    }
                }
            )*};
        }

        named!(SerializeStruct, SerializeStructVariant);

        impl ser::SerializeMap for Parts {
            type Ok = String;
            type Error = Refused;

            fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
                self.parts.push(key.serialize(Writer)?);
                Ok(())
            }

            fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                let value = value.serialize(Writer)?;
                if let Some(last) = self.parts.last_mut() {
                    last.push_str(&format!(": {value}"));
                }
                Ok(())
            }

            fn end(self) -> Text {
                Ok(self.text())
            }
        }
    }
