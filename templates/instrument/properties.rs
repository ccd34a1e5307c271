#[cfg(test)]
#[doc(hidden)]
#[allow(warnings)]
mod __refit_made {
    //! Values made of a seed, edges first; smaller ones; and their spelling as Rust.

    use ::std::panic::{AssertUnwindSafe, catch_unwind};
    use ::std::time::{Duration, Instant};
    use ::std::marker::PhantomData;
    use ::std::{boxed::Box, clone::Clone, format, iter::FromIterator, option::Option, option::Option::*, result::Result, result::Result::*, string::String, string::ToString, vec, vec::Vec};

    /// Inputs of one function, and the longest time for them.
    const CASES: u32 = 10_000;
    const TIME: Duration = Duration::from_secs(5);
    /// Steps towards a smaller input.
    const STEPS: u32 = 2_000;

    /// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same inputs.
    pub struct Random {
        state: u64,
        numbers: &'static [i128],
        texts: &'static [&'static str],
        /// No number is large: some functions do something as often, or make as much room, as a number says.
        is_small: bool,
        /// Values of the crate's own types around the one that is made.
        depth: u32,
    }

    /// From here on a value is made of the fewest parts, and from `DEEPEST` on of none that it can do without.
    const DEEP: u32 = 4;
    const DEEPEST: u32 = 6;

    impl Random {
        fn next(&mut self) -> u64 {
            self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }

        fn below(&mut self, n: u64) -> u64 {
            self.next() % n.max(1)
        }

        fn one<T: Copy>(&mut self, list: &[T]) -> Option<T> {
            if list.is_empty() { None } else { Some(list[self.below(list.len() as u64) as usize]) }
        }

        /// One of the ways to make a value, by its number; each is told with the fewest steps in which it ends.
        pub fn way(&mut self, heights: &[u32]) -> usize {
            let least = heights.iter().copied().min().unwrap_or(0);
            let fits = |h: u32| self.depth < DEEP || h == least;
            let ways: Vec<usize> = (0..heights.len()).filter(|i| fits(heights[*i])).collect();
            self.one(&ways).unwrap_or(0)
        }

        /// Makes a part of a value.
        pub fn inside<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> T {
            self.depth += 1;
            let made = make(self);
            self.depth -= 1;
            made
        }

        fn length(&mut self) -> usize {
            if self.depth >= DEEP {
                return if self.depth >= DEEPEST { 0 } else { self.below(2) as usize };
            }
            match self.below(16) {
                0 | 1 => 0,
                2 | 3 => 1,
                4 | 5 => 2,
                6 => self.one(&[15, 16, 17, 31, 32, 33]).unwrap_or(0),
                7 => 100,
                _ => 1 + self.below(9) as usize,
            }
        }
    }

    /// How a value is made: kept beside it, because it can be copied, made smaller and spelled where the value cannot.
    pub trait Make: Clone {
        type Value;
        fn make(random: &mut Random) -> Self;
        fn smaller(&self) -> Vec<Self>;
        fn spell(&self) -> String;
        fn build(&self) -> Self::Value;
    }

    macro_rules! is_its_value {
        () => {
            type Value = Self;
            fn build(&self) -> Self {
                self.clone()
            }
        };
    }

    macro_rules! integers {
        ($($t:ident),*) => { $(
            impl Make for $t {
                is_its_value!();
                fn make(random: &mut Random) -> $t {
                    let small = |random: &mut Random| {
                        let n = random.below(17) as i128;
                        let n = if <$t>::MIN != 0 && random.below(3) == 0 { -n } else { n };
                        n as $t
                    };
                    match random.below(8) {
                        0 if !random.is_small => random.one(&[<$t>::MAX, <$t>::MIN, <$t>::MAX - 1, <$t>::MAX / 2]).unwrap_or(0),
                        1 if !random.is_small => random.next() as $t,
                        2 => random.one(&[0, 1, 2, 10, 64, 100]).unwrap_or(0),
                        3 | 4 => {
                            let by = random.below(3) as i128 - 1;
                            let known = random.one(random.numbers).and_then(|n| <$t>::try_from(n + by).ok());
                            known.filter(|n| !random.is_small || (*n as i128).unsigned_abs() < 1_000).unwrap_or_else(|| small(random))
                        }
                        _ => small(random),
                    }
                }
                fn smaller(&self) -> Vec<$t> {
                    let n = *self;
                    let mut all = vec![0, n / 2];
                    if n > 0 {
                        all.push(n - 1);
                    }
                    if <$t>::MIN != 0 && n == <$t>::MIN {
                        all.push(n + 1);
                    }
                    all.retain(|m| *m != n);
                    all
                }
                fn spell(&self) -> String {
                    format!(concat!("{}", stringify!($t)), self)
                }
            }
        )* };
    }
    integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

    macro_rules! floats {
        ($($t:ident),*) => { $(
            impl Make for $t {
                is_its_value!();
                fn make(random: &mut Random) -> $t {
                    let small = random.below(200) as $t / 4.0 - 10.0;
                    match random.below(6) {
                        0 => random.one(&[0.0, -0.0, 1.0, -1.0, <$t>::NAN, <$t>::INFINITY, <$t>::NEG_INFINITY, <$t>::MAX, <$t>::MIN_POSITIVE]).unwrap_or(0.0),
                        1 => random.one(&[0.1, 0.5, 1.5, 2.5, 1e-9, 1e9]).unwrap_or(0.0),
                        2 => random.one(random.numbers).map_or(small, |n| n as $t),
                        _ => small,
                    }
                }
                fn smaller(&self) -> Vec<$t> {
                    let x = *self;
                    let mut all = vec![0.0, 1.0, x.trunc(), (x / 2.0).trunc()];
                    all.retain(|y| y.is_finite() && (y.abs() < x.abs() || !x.is_finite()));
                    all
                }
                fn spell(&self) -> String {
                    match *self {
                        x if x.is_nan() => format!("{}::NAN", stringify!($t)),
                        x if x.is_infinite() => format!("{}::{}", stringify!($t), if x > 0.0 { "INFINITY" } else { "NEG_INFINITY" }),
                        x => format!(concat!("{:?}", stringify!($t)), x),
                    }
                }
            }
        )* };
    }
    floats!(f32, f64);

    impl Make for bool {
        is_its_value!();
        fn make(random: &mut Random) -> bool {
            random.below(2) == 0
        }
        fn smaller(&self) -> Vec<bool> {
            if *self { vec![false] } else { Vec::new() }
        }
        fn spell(&self) -> String {
            self.to_string()
        }
    }

    impl Make for char {
        is_its_value!();
        fn make(random: &mut Random) -> char {
            match random.below(8) {
                0 => random.one(&['\0', '\n', '\t', 'é', 'ß', 'İ', '日', '\u{301}', '\u{10FFFF}']).unwrap_or('a'),
                1 => random.one(&[' ', '"', '\'', '\\', '&', '<', '/', '-', '.', ',']).unwrap_or(' '),
                2 => (b'0' + random.below(10) as u8) as char,
                3 => (b'A' + random.below(26) as u8) as char,
                4 => ' ',
                _ => (b'a' + random.below(6) as u8) as char,
            }
        }
        fn smaller(&self) -> Vec<char> {
            if *self == 'a' { Vec::new() } else { vec!['a'] }
        }
        fn spell(&self) -> String {
            format!("{self:?}")
        }
    }

    impl Make for () {
        is_its_value!();
        fn make(_: &mut Random) {}
        fn smaller(&self) -> Vec<()> {
            Vec::new()
        }
        fn spell(&self) -> String {
            String::from("()")
        }
    }

    impl Make for String {
        is_its_value!();
        fn make(random: &mut Random) -> String {
            let known = random.one(random.texts).filter(|_| random.below(3) == 0);
            let length = random.length().min(40);
            let mut text: String = (0..length).map(|_| char::make(random)).collect();
            if let Some(known) = known {
                let at = text.char_indices().nth(random.below(4) as usize).map_or(text.len(), |(at, _)| at);
                text.insert_str(at, known);
            }
            text
        }
        fn smaller(&self) -> Vec<String> {
            let chars: Vec<char> = self.chars().collect();
            chars.smaller().into_iter().map(|c| c.into_iter().collect()).collect()
        }
        fn spell(&self) -> String {
            format!("String::from({self:?})")
        }
    }

    impl<T: Make> Make for Vec<T> {
        type Value = Vec<T::Value>;
        fn build(&self) -> Self::Value {
            self.iter().map(T::build).collect()
        }
        fn make(random: &mut Random) -> Vec<T> {
            let length = random.length();
            if length == 0 {
                return Vec::new();
            }
            let few: Vec<T> = (0..1 + random.below(3)).map(|_| T::make(random)).collect();
            let repeats = random.below(3) == 0;
            let mut one = |random: &mut Random| match repeats {
                true => few[random.below(few.len() as u64) as usize].clone(),
                false => T::make(random),
            };
            (0..length).map(|_| one(random)).collect()
        }
        fn smaller(&self) -> Vec<Vec<T>> {
            let n = self.len();
            if n == 0 {
                return Vec::new();
            }
            let mut all = vec![Vec::new()];
            if n > 1 {
                all.extend([self[..n / 2].to_vec(), self[n / 2..].to_vec()]);
            }
            for i in 0..n.min(20) {
                let mut less = self.clone();
                less.remove(i);
                all.push(less);
            }
            for i in 0..n.min(20) {
                for value in self[i].smaller() {
                    let mut less = self.clone();
                    less[i] = value;
                    all.push(less);
                }
            }
            all
        }
        fn spell(&self) -> String {
            let all: Vec<String> = self.iter().map(|v| v.spell()).collect();
            format!("vec![{}]", all.join(", "))
        }
    }

    impl<T: Make> Make for Option<T> {
        type Value = Option<T::Value>;
        fn build(&self) -> Self::Value {
            self.as_ref().map(T::build)
        }
        fn make(random: &mut Random) -> Option<T> {
            if random.below(4) == 0 || random.depth >= DEEPEST { None } else { Some(T::make(random)) }
        }
        fn smaller(&self) -> Vec<Option<T>> {
            let Some(value) = self else { return Vec::new() };
            let mut all = vec![None];
            all.extend(value.smaller().into_iter().map(Some));
            all
        }
        fn spell(&self) -> String {
            self.as_ref().map_or("None".into(), |v| format!("Some({})", v.spell()))
        }
    }

    macro_rules! tuples {
        ($(($($t:ident $i:tt),+))*) => { $(
            impl<$($t: Make),+> Make for ($($t,)+) {
                type Value = ($($t::Value,)+);
                fn build(&self) -> Self::Value {
                    ($(self.$i.build(),)+)
                }
                fn make(random: &mut Random) -> Self {
                    ($($t::make(random),)+)
                }
                fn smaller(&self) -> Vec<Self> {
                    let mut all = Vec::new();
                    $(for value in self.$i.smaller() {
                        let mut less = self.clone();
                        less.$i = value;
                        all.push(less);
                    })+
                    all
                }
                fn spell(&self) -> String {
                    let all: Vec<String> = vec![$(self.$i.spell()),+];
                    format!("({},)", all.join(", "))
                }
            }
        )* };
    }
    tuples! { (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4) (A 0, B 1, C 2, D 3, E 4, F 5) }

    impl<T: Make, E: Make> Make for Result<T, E> {
        type Value = Result<T::Value, E::Value>;
        fn make(random: &mut Random) -> Result<T, E> {
            if random.below(4) == 0 { Err(E::make(random)) } else { Ok(T::make(random)) }
        }
        fn smaller(&self) -> Vec<Result<T, E>> {
            match self {
                Ok(value) => value.smaller().into_iter().map(Ok).collect(),
                Err(value) => value.smaller().into_iter().map(Err).collect(),
            }
        }
        fn spell(&self) -> String {
            match self {
                Ok(value) => format!("Ok({})", value.spell()),
                Err(value) => format!("Err({})", value.spell()),
            }
        }
        fn build(&self) -> Self::Value {
            self.as_ref().map(T::build).map_err(E::build)
        }
    }

    impl<T: Make, const N: usize> Make for [T; N] {
        type Value = [T::Value; N];
        fn make(random: &mut Random) -> [T; N] {
            ::std::array::from_fn(|_| T::make(random))
        }
        fn smaller(&self) -> Vec<[T; N]> {
            let one = |i: usize| self[i].smaller().into_iter().map(move |value| (i, value));
            let less = |(i, value): (usize, T)| {
                let mut less = self.clone();
                less[i] = value;
                less
            };
            (0..N.min(20)).flat_map(one).map(less).collect()
        }
        fn spell(&self) -> String {
            let all: Vec<String> = self.iter().map(|v| v.spell()).collect();
            format!("[{}]", all.join(", "))
        }
        fn build(&self) -> Self::Value {
            ::std::array::from_fn(|i| self[i].build())
        }
    }

    /// A collection that is gathered from a list.
    pub struct Gathered<C, T>(Vec<T>, PhantomData<fn() -> C>);

    impl<C, T: Clone> Clone for Gathered<C, T> {
        fn clone(&self) -> Self {
            Gathered(self.0.clone(), PhantomData)
        }
    }

    impl<C: FromIterator<T::Value>, T: Make> Make for Gathered<C, T> {
        type Value = C;
        fn make(random: &mut Random) -> Self {
            Gathered(Vec::make(random), PhantomData)
        }
        fn smaller(&self) -> Vec<Self> {
            self.0.smaller().into_iter().map(|list| Gathered(list, PhantomData)).collect()
        }
        fn spell(&self) -> String {
            format!("{}.into_iter().collect()", self.0.spell())
        }
        fn build(&self) -> C {
            self.0.iter().map(T::build).collect()
        }
    }

    /// A value that is made of one other: how it is written stands beside it.
    macro_rules! made_of_one {
        ($($name:ident<$t:ident> gives $value:ty, as $spelled:literal, by $build:expr;)*) => { $(
            #[derive(Clone)]
            pub struct $name<$t>(Box<$t>);

            impl<$t: Make> Make for $name<$t> where $t::Value: 'static {
                type Value = $value;
                fn make(random: &mut Random) -> Self {
                    $name(Box::new($t::make(random)))
                }
                fn smaller(&self) -> Vec<Self> {
                    self.0.smaller().into_iter().map(|v| $name(Box::new(v))).collect()
                }
                fn spell(&self) -> String {
                    format!($spelled, self.0.spell())
                }
                fn build(&self) -> $value {
                    let build: fn($t::Value) -> $value = $build;
                    build(self.0.build())
                }
            }
        )* };
    }
    // What is lent for as long as the process runs is never given back: a test process is short.
    made_of_one! {
        Boxed<T> gives Box<T::Value>, as "Box::new({})", by Box::new;
        Counted<T> gives ::std::rc::Rc<T::Value>, as "std::rc::Rc::new({})", by ::std::rc::Rc::new;
        Shared<T> gives ::std::sync::Arc<T::Value>, as "std::sync::Arc::new({})", by ::std::sync::Arc::new;
        Reversed<T> gives ::std::cmp::Reverse<T::Value>, as "std::cmp::Reverse({})", by ::std::cmp::Reverse;
        Lent<T> gives &'static T::Value, as "&*Box::leak(Box::new({}))", by |v| &*Box::leak(Box::new(v));
    }

    macro_rules! made_of_text {
        ($($name:ident gives $value:ty, as $spelled:literal, by $build:expr;)*) => { $(
            #[derive(Clone)]
            pub struct $name(String);

            impl Make for $name {
                type Value = $value;
                fn make(random: &mut Random) -> Self {
                    $name(String::make(random))
                }
                fn smaller(&self) -> Vec<Self> {
                    self.0.smaller().into_iter().map($name).collect()
                }
                fn spell(&self) -> String {
                    format!($spelled, self.0)
                }
                fn build(&self) -> $value {
                    let build: fn(String) -> $value = $build;
                    build(self.0.clone())
                }
            }
        )* };
    }
    made_of_text! {
        Text gives &'static str, as "{:?}", by |t| &*Box::leak(t.into_boxed_str());
        BoxedText gives Box<str>, as "Box::<str>::from({:?})", by |t| t.into();
        CountedText gives ::std::rc::Rc<str>, as "std::rc::Rc::<str>::from({:?})", by |t| t.into();
        SharedText gives ::std::sync::Arc<str>, as "std::sync::Arc::<str>::from({:?})", by |t| t.into();
        CowText gives ::std::borrow::Cow<'static, str>, as "std::borrow::Cow::from({:?})", by |t| t.into();
        File gives ::std::path::PathBuf, as "std::path::PathBuf::from({:?})", by |t| t.into();
    }

    /// Lists in other forms than `Vec`.
    macro_rules! made_of_list {
        ($($name:ident<$t:ident> gives $value:ty, as $spelled:literal, by $build:expr;)*) => { $(
            #[derive(Clone)]
            pub struct $name<$t>(Vec<$t>);

            impl<$t: Make> Make for $name<$t> where $t::Value: 'static {
                type Value = $value;
                fn make(random: &mut Random) -> Self {
                    $name(Vec::make(random))
                }
                fn smaller(&self) -> Vec<Self> {
                    self.0.smaller().into_iter().map($name).collect()
                }
                fn spell(&self) -> String {
                    format!($spelled, self.0.spell())
                }
                fn build(&self) -> $value {
                    let build: fn(Vec<$t::Value>) -> $value = $build;
                    build(self.0.build())
                }
            }
        )* };
    }
    made_of_list! {
        Slice<T> gives &'static [T::Value], as "&*{}.leak()", by |v| &*v.leak();
        Items<T> gives ::std::vec::IntoIter<T::Value>, as "{}.into_iter()", by |v| v.into_iter();
        BoxedSlice<T> gives Box<[T::Value]>, as "{}.into_boxed_slice()", by |v| v.into_boxed_slice();
        SharedSlice<T> gives ::std::sync::Arc<[T::Value]>, as "std::sync::Arc::<[_]>::from({})", by |v| v.into();
    }

    impl Make for ::std::time::Duration {
        is_its_value!();
        fn make(random: &mut Random) -> Self {
            Duration::from_nanos(u64::make(random) >> 1)
        }
        fn smaller(&self) -> Vec<Self> {
            (self.as_nanos() as u64).smaller().into_iter().map(Duration::from_nanos).collect()
        }
        fn spell(&self) -> String {
            format!("std::time::Duration::from_nanos({})", self.as_nanos())
        }
    }

    impl Make for ::std::cmp::Ordering {
        is_its_value!();
        fn make(random: &mut Random) -> Self {
            use ::std::cmp::Ordering::*;
            random.one(&[Less, Equal, Greater]).unwrap_or(Equal)
        }
        fn smaller(&self) -> Vec<Self> {
            Vec::new()
        }
        fn spell(&self) -> String {
            format!("std::cmp::Ordering::{self:?}")
        }
    }

    impl<T: Make> Make for ::std::ops::Range<T> {
        type Value = ::std::ops::Range<T::Value>;
        fn make(random: &mut Random) -> Self {
            T::make(random)..T::make(random)
        }
        fn smaller(&self) -> Vec<Self> {
            let starts = self.start.smaller().into_iter().map(|start| start..self.end.clone());
            let ends = self.end.smaller().into_iter().map(|end| self.start.clone()..end);
            starts.chain(ends).collect()
        }
        fn spell(&self) -> String {
            format!("({}..{})", self.start.spell(), self.end.spell())
        }
        fn build(&self) -> Self::Value {
            self.start.build()..self.end.build()
        }
    }

    /// Calls a function with made inputs until old and new differ, and tells the smallest that is found.
    pub fn run<T: Make>(
        number: usize,
        numbers: &'static [i128],
        texts: &'static [&'static str],
        call: impl Fn(&T),
        spelled: impl Fn(&T) -> Vec<String>,
        last: impl Fn() -> Option<(String, String, String)>,
        tell: impl Fn(String),
    ) {
        let Ok(mode) = ::std::env::var("REFIT_PROPERTIES") else { return };
        ::std::panic::set_hook(Box::new(|_| {}));
        let mut random = Random { state: 0x5EED_0000 + number as u64, numbers, texts, is_small: mode == "small", depth: 0 };
        let differs = |input: &T| {
            last();
            let _ = catch_unwind(AssertUnwindSafe(|| call(input)));
            last()
        };
        let began = Instant::now();
        let mut made = 0;
        while made < CASES && began.elapsed() < TIME {
            let input = T::make(&mut random);
            made += 1;
            if let Some(found) = differs(&input) {
                let (input, (what, old, new)) = least(input, found, &differs);
                let words = spelled(&input).join("\u{1f}");
                let words = format!("F\t{number}\t{what}\t{words}\t{old}\t{new}\n");
                tell(words);
                break;
            }
        }
        tell(format!("M\t{number}\t{made}\n"));
    }

    type Found = (String, String, String);

    fn least<T: Make>(mut input: T, mut found: Found, differs: &impl Fn(&T) -> Option<Found>) -> (T, Found) {
        let mut steps = 0;
        'smaller: loop {
            for less in input.smaller() {
                steps += 1;
                if steps > STEPS {
                    return (input, found);
                }
                if let Some(still) = differs(&less) {
                    (input, found) = (less, still);
                    continue 'smaller;
                }
            }
            return (input, found);
        }
    }
}
