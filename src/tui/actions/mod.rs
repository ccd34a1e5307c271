//! What the keys do: each action changes the state and asks for work; the keymap names them.

pub mod choosing;
pub mod deciding;
pub mod flame;
pub mod general;
pub mod moving;
pub mod settling;
pub mod working;
