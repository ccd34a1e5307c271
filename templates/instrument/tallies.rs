    /// Begins to wait for a lock.
    pub fn clock() -> u64 {
        if COUNTING.load(Relaxed) > 0 { now() } else { 0 }
    }

    /// What a call that takes a lock gave back, with when it was asked; 0 where that is not known.
    pub struct Taking<L> {
        got: Option<L>,
        asked: u64,
        is_exclusive: bool,
    }

    /// Around the call: `taking(clock(), true, lock.lock()).taken()`.
    pub fn taking<L>(asked: u64, is_exclusive: bool, got: L) -> Taking<L> {
        Taking { got: Some(got), asked, is_exclusive }
    }

    impl<L> Taking<L> {
        /// Counts one lock taken; when that was.
        fn count(&self) -> u64 {
            let at = clock();
            tally(LOCKS, 1);
            tally(EXCLUSIVE, self.is_exclusive as u64);
            if self.asked != 0 && at != 0 {
                tally(WAITED, at - self.asked);
            }
            at
        }
    }

    // Which type has come is found by the order in which methods are looked up: inherent ones before those of a trait,
    // those that need no reference before those that do.

    impl<G> Taking<::std::sync::LockResult<G>> {
        pub fn taken(mut self) -> ::std::sync::LockResult<Held<G>> {
            let since = self.count();
            match self.got.take().expect("it came once") {
                Ok(guard) => Ok(Held { guard, since }),
                Err(poisoned) => Err(PoisonError::new(Held { guard: poisoned.into_inner(), since })),
            }
        }
    }

    /// What is looked through to get at what a lock keeps is its guard.
    pub trait Guards {
        type Held;
        fn taken(self) -> Self::Held;
    }

    impl<G: ::std::ops::Deref> Guards for Taking<G> {
        type Held = Held<G>;
        fn taken(mut self) -> Held<G> {
            let since = self.count();
            Held { guard: self.got.take().expect("it came once"), since }
        }
    }

    /// Anything else is no lock, whatever its method is called.
    pub trait Others {
        type Same;
        fn taken(&mut self) -> Self::Same;
    }

    impl<L> Others for Taking<L> {
        type Same = L;
        fn taken(&mut self) -> L {
            self.got.take().expect("it came once")
        }
    }

    /// A guard with when it was taken; 0 while nothing is counted.
    pub struct Held<G> {
        guard: G,
        since: u64,
    }

    impl<G> Drop for Held<G> {
        fn drop(&mut self) {
            if self.since != 0 {
                tally(HELD, now() - self.since);
            }
        }
    }

    impl<G: ::std::ops::Deref> ::std::ops::Deref for Held<G> {
        type Target = G::Target;
        fn deref(&self) -> &G::Target {
            &self.guard
        }
    }

    impl<G: ::std::ops::DerefMut> ::std::ops::DerefMut for Held<G> {
        fn deref_mut(&mut self) -> &mut G::Target {
            &mut self.guard
        }
    }

    impl<G: ::std::fmt::Debug> ::std::fmt::Debug for Held<G> {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            self.guard.fmt(f)
        }
    }

    impl<G: ::std::fmt::Display> ::std::fmt::Display for Held<G> {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            self.guard.fmt(f)
        }
    }

    /// One more round of a loop that asks or tries again.
    pub fn attempt() {
        tally(ATTEMPTS, 1);
    }

    /// How long a pause is asked to be.
    pub fn paused<D: ::std::any::Any>(pause: D) -> D {
        tally(PAUSES, 1);
        if let Some(pause) = (&pause as &dyn ::std::any::Any).downcast_ref::<::std::time::Duration>() {
            tally(PAUSED, pause.as_nanos() as u64);
        }
        pause
    }
