#[cfg(test)]
#[doc(hidden)]
#[allow(warnings)]
mod __refit_made {
    //! Values made of a seed, edges first; smaller ones; and their spelling as Rust.

    use ::std::panic::{AssertUnwindSafe, catch_unwind};
    use ::std::time::{Duration, Instant};
    use ::std::{boxed::Box, clone::Clone, format, option::Option, option::Option::*, string::String, string::ToString, vec, vec::Vec};

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
    }

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

        fn length(&mut self) -> usize {
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

    pub trait Make: Clone {
        fn make(random: &mut Random) -> Self;
        fn smaller(&self) -> Vec<Self>;
        fn spell(&self) -> String;
    }

    macro_rules! integers {
        ($($t:ident),*) => { $(
            impl Make for $t {
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
        fn make(_: &mut Random) {}
        fn smaller(&self) -> Vec<()> {
            Vec::new()
        }
        fn spell(&self) -> String {
            String::from("()")
        }
    }

    impl Make for String {
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
        fn make(random: &mut Random) -> Vec<T> {
            let length = random.length();
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
        fn make(random: &mut Random) -> Option<T> {
            if random.below(4) == 0 { None } else { Some(T::make(random)) }
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

    /// Calls a function with made inputs until old and new differ, and tells the smallest that is found.
    pub fn run<T: Make>(
        number: usize,
        numbers: &'static [i128],
        texts: &'static [&'static str],
        call: impl Fn(T),
        spelled: impl Fn(&T) -> Vec<String>,
        last: impl Fn() -> Option<(String, String, String)>,
        tell: impl Fn(String),
    ) {
        let Ok(mode) = ::std::env::var("REFIT_PROPERTIES") else { return };
        ::std::panic::set_hook(Box::new(|_| {}));
        let mut random = Random { state: 0x5EED_0000 + number as u64, numbers, texts, is_small: mode == "small" };
        let differs = |input: &T| {
            last();
            let again = input.clone();
            let _ = catch_unwind(AssertUnwindSafe(|| call(again)));
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
