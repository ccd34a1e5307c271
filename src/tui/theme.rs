//! What the terminal can show in, a style for every meaning out; with no colours, attributes alone carry it.

use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 24-bit colours.
    Full,
    /// The 256 indexed colours.
    Indexed,
    /// The terminal's own sixteen.
    Sixteen,
    /// None at all (`NO_COLOR`): bold, underline and reverse only.
    None,
}

/// Whether the terminal's background is dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shade {
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

/// Which characters lines and marks are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Box drawing and block characters.
    Unicode,
    /// ASCII only (`REFIT_ASCII=1`, or a Linux console).
    Ascii,
}

/// Colours, shade and characters of the terminal at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// How many colours.
    pub depth: Depth,
    /// Dark or light.
    pub shade: Shade,
    /// Which characters.
    pub glyphs: Glyphs,
}

/// What a piece of the screen means; [`Theme::style`] says how that looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    Text,
    /// What may be overlooked: units, rules, explanations.
    Dim,
    /// Headings and the name of what is looked at.
    Title,
    /// Something that can be pressed, or leads on.
    Accent,
    /// Holds, proved, within the limit.
    Good,
    /// Does not hold, refuted, over the limit.
    Bad,
    /// Open, doubtful, to be looked at.
    Warn,
    /// The selected row.
    Selected,
    /// The selected row of a pane that does not have the keys.
    SelectedIdle,
    /// An added line.
    Added,
    /// A removed line.
    Removed,
    /// A changed word in an added line.
    AddedWord,
    /// A changed word in a removed line.
    RemovedWord,
    /// A match of the search.
    Match,
    /// The bar of the tabs and the footer's keys.
    Key,
    /// Syntax: a keyword.
    Keyword,
    /// Syntax: a string or character.
    Literal,
    /// Syntax: a number.
    Number,
    /// Syntax: a comment.
    Comment,
    /// Syntax: a type or a trait.
    Type,
    /// Syntax: a function or method name.
    Function,
    /// Syntax: a macro or an attribute.
    Macro,
    /// Syntax: a lifetime.
    Lifetime,
    /// Flame pane: a function of the workspace.
    FlameOurs,
    /// Flame pane: one over its budget.
    FlameOver,
    /// Flame pane: the standard library.
    FlameStd,
    /// Flame pane: a dependency.
    FlameCrate,
    /// Flame pane: the kernel.
    FlameKernel,
    /// Flame pane: C, or no symbol.
    FlameNative,
    /// Flame pane: what does not matter for what is shown.
    FlameQuiet,
}

/// A colour as 24 bits, and the nearest of the sixteen.
struct Ink(u32, Color);

impl Theme {
    /// From the environment's variables and the person's choice (`dark`, `light`, `auto`).
    ///
    /// `var` looks a variable up; `NO_COLOR` counts when it is not empty.
    pub fn detect(var: impl Fn(&str) -> Option<String>, choice: Option<Shade>) -> Theme {
        let set = |name: &str| var(name).is_some_and(|v| !v.is_empty());
        let term = var("TERM").unwrap_or_default();
        let true_colour = var("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit");
        let depth = match () {
            () if set("NO_COLOR") || term == "dumb" => Depth::None,
            () if true_colour || term.ends_with("-direct") => Depth::Full,
            () if term.contains("256") => Depth::Indexed,
            () => Depth::Sixteen,
        };
        let shade = choice.or_else(|| var("COLORFGBG").as_deref().and_then(shade_of)).unwrap_or(Shade::Dark);
        let ascii = var("REFIT_ASCII").is_some_and(|v| v == "1") || term == "linux";
        Theme { depth, shade, glyphs: if ascii { Glyphs::Ascii } else { Glyphs::Unicode } }
    }

    /// The style of a meaning.
    pub fn style(&self, tone: Tone) -> Style {
        if self.depth == Depth::None {
            return attributes(tone);
        }
        let style = match tone {
            Tone::Text => Style::new(),
            Tone::Title => Style::new().add_modifier(Modifier::BOLD),
            Tone::Selected => self.on(Style::new(), Ink(0x2f3b54, Color::Blue), Ink(0xd5e0f5, Color::Cyan)),
            Tone::SelectedIdle => self.on(Style::new(), Ink(0x262c38, Color::DarkGray), Ink(0xe6e9ef, Color::Gray)),
            Tone::Added => self.on(Style::new(), Ink(0x17301f, Color::Reset), Ink(0xdcf3df, Color::Reset)),
            Tone::Removed => self.on(Style::new(), Ink(0x3a1d22, Color::Reset), Ink(0xfbe0e0, Color::Reset)),
            Tone::AddedWord => self.on(
                Style::new().add_modifier(Modifier::BOLD),
                Ink(0x2a5a38, Color::Reset),
                Ink(0xa9dfb2, Color::Reset),
            ),
            Tone::RemovedWord => self.on(
                Style::new().add_modifier(Modifier::BOLD),
                Ink(0x6b2b34, Color::Reset),
                Ink(0xf3b4b4, Color::Reset),
            ),
            Tone::Match => self.on(
                Style::new().add_modifier(Modifier::UNDERLINED),
                Ink(0x5a4a16, Color::Yellow),
                Ink(0xf4e3a1, Color::Yellow),
            ),
            Tone::Key => self.ink(Ink(0x8ab4f8, Color::Cyan), Ink(0x1a5fb4, Color::Blue)).add_modifier(Modifier::BOLD),
            Tone::Dim | Tone::Comment => self.ink(Ink(0x7d8590, Color::DarkGray), Ink(0x6a737d, Color::DarkGray)),
            Tone::Accent => self.ink(Ink(0x8ab4f8, Color::Cyan), Ink(0x1a5fb4, Color::Blue)),
            Tone::Good => self.ink(Ink(0x8fc98a, Color::Green), Ink(0x2a7d2e, Color::Green)),
            Tone::Bad => self.ink(Ink(0xe8838a, Color::LightRed), Ink(0xb3261e, Color::Red)),
            Tone::Warn => self.ink(Ink(0xe0b36a, Color::Yellow), Ink(0x8a5a00, Color::Magenta)),
            Tone::Keyword => self.ink(Ink(0xc8a2dc, Color::Magenta), Ink(0x7b3fa0, Color::Magenta)),
            Tone::Literal => self.ink(Ink(0xa9c78f, Color::Green), Ink(0x3b6e22, Color::Green)),
            Tone::Number => self.ink(Ink(0xd9a77a, Color::Yellow), Ink(0x9a4f13, Color::Red)),
            Tone::Type => self.ink(Ink(0x84bfc8, Color::Cyan), Ink(0x14697a, Color::Cyan)),
            Tone::Function => self.ink(Ink(0x9db8ea, Color::LightBlue), Ink(0x2450a8, Color::Blue)),
            Tone::Macro => self.ink(Ink(0xd6b98a, Color::Yellow), Ink(0x8a5a00, Color::Red)),
            Tone::FlameOurs => self.block((0x7a4a1e, 0xf6c89a), Color::Yellow),
            Tone::FlameOver => self.block((0x8e2f35, 0xf0a3a0), Color::Red),
            Tone::FlameStd => self.block((0x2c4666, 0xbcd3f2), Color::Blue),
            Tone::FlameCrate => self.block((0x2f5139, 0xbfe3c6), Color::Green),
            Tone::FlameKernel => self.block((0x493a62, 0xd9c8ef), Color::Magenta),
            Tone::FlameNative => self.block((0x3d4450, 0xd4d8de), Color::Gray),
            Tone::FlameQuiet => self.block((0x2b3038, 0xe9ebee), Color::DarkGray),
            Tone::Lifetime => self.ink(Ink(0xd99ab0, Color::LightMagenta), Ink(0x9c2f5c, Color::Magenta)),
        };
        self.mark_without_background(tone, style)
    }

    /// With sixteen colours added and removed lines have no quiet background: their text is coloured instead.
    fn mark_without_background(&self, tone: Tone, style: Style) -> Style {
        if self.depth != Depth::Sixteen {
            return style;
        }
        match tone {
            Tone::Added | Tone::AddedWord => Style::new().fg(Color::Green).add_modifier(style.add_modifier),
            Tone::Removed | Tone::RemovedWord => Style::new().fg(Color::Red).add_modifier(style.add_modifier),
            Tone::Selected | Tone::SelectedIdle => Style::new().add_modifier(Modifier::REVERSED),
            Tone::Match => Style::new().fg(Color::Black).bg(Color::Yellow),
            _ => style,
        }
    }

    /// A filled block with readable text on it: backgrounds for dark and light, and the nearest of the sixteen.
    fn block(&self, (dark, light): (u32, u32), near: Color) -> Style {
        let text = self.colour(Ink(0xf0f2f5, Color::Black), Ink(0x1f2328, Color::Black));
        Style::new().fg(text).bg(self.colour(Ink(dark, near), Ink(light, near)))
    }

    fn ink(&self, dark: Ink, light: Ink) -> Style {
        Style::new().fg(self.colour(dark, light))
    }

    /// A background with text that can be read on it even where the shade was guessed wrong.
    fn on(&self, style: Style, dark: Ink, light: Ink) -> Style {
        let style = style.bg(self.colour(dark, light));
        match self.depth {
            Depth::Full | Depth::Indexed => {
                style.fg(self.colour(Ink(0xe2e5ea, Color::Reset), Ink(0x24292f, Color::Reset)))
            }
            Depth::Sixteen | Depth::None => style,
        }
    }

    fn colour(&self, dark: Ink, light: Ink) -> Color {
        let Ink(rgb, near) = if self.shade == Shade::Dark { dark } else { light };
        let (r, g, b) = ((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8);
        match self.depth {
            Depth::Full => Color::Rgb(r, g, b),
            Depth::Indexed => Color::Indexed(indexed(r, g, b)),
            Depth::Sixteen => near,
            Depth::None => Color::Reset,
        }
    }

    /// A character for a mark, with its ASCII stand-in.
    pub fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// The vertical rule between panes.
    pub fn bar(&self) -> &'static str {
        self.glyph("│", "|")
    }

    /// The horizontal rule.
    pub fn rule(&self) -> &'static str {
        self.glyph("─", "-")
    }

    /// The same theme without what ASCII cannot show, applied to running text (`·`, `–`, `…`, `─`).
    pub fn plain<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        if self.glyphs == Glyphs::Unicode || text.is_ascii() {
            return text.into();
        }
        let swap = |c: char| match c {
            '·' => '-',
            '–' | '—' | '─' => '-',
            '…' => '~',
            '│' => '|',
            '→' => '>',
            '×' => 'x',
            '±' => '~',
            'Σ' => 'S',
            '▸' | '›' => '>',
            '‹' => '<',
            '✓' => '+',
            '✗' => 'x',
            '○' | '●' => 'o',
            other => other,
        };
        text.chars().map(swap).collect::<String>().into()
    }
}

/// `COLORFGBG` is `foreground;background` (or with a default in between); 7 and 9 to 15 are light backgrounds.
fn shade_of(colorfgbg: &str) -> Option<Shade> {
    let background: u8 = colorfgbg.rsplit(';').next()?.parse().ok()?;
    Some(if background == 7 || background > 8 { Shade::Light } else { Shade::Dark })
}

/// The nearest of the 6x6x6 cube or the grey ramp of xterm's 256 colours.
fn indexed(r: u8, g: u8, b: u8) -> u8 {
    const STEPS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |v: u8| (0..6).min_by_key(|&i| (STEPS[i] - i32::from(v)).abs()).unwrap_or(0);
    let distance =
        |x: i32, y: i32, z: i32| (x - i32::from(r)).pow(2) + (y - i32::from(g)).pow(2) + (z - i32::from(b)).pow(2);
    let (i, j, k) = (nearest(r), nearest(g), nearest(b));
    let cube = distance(STEPS[i], STEPS[j], STEPS[k]);
    let grey = (0..24).min_by_key(|&n| distance(8 + 10 * n, 8 + 10 * n, 8 + 10 * n)).unwrap_or(0);
    let level = 8 + 10 * grey;
    if distance(level, level, level) < cube { 232 + grey as u8 } else { (16 + 36 * i + 6 * j + k) as u8 }
}

/// The same meanings without any colour.
fn attributes(tone: Tone) -> Style {
    let with = |modifier| Style::new().add_modifier(modifier);
    match tone {
        Tone::Selected => with(Modifier::REVERSED),
        Tone::SelectedIdle => with(Modifier::UNDERLINED),
        Tone::Title | Tone::Key | Tone::Bad | Tone::Keyword => with(Modifier::BOLD),
        Tone::AddedWord | Tone::RemovedWord => with(Modifier::BOLD.union(Modifier::UNDERLINED)),
        Tone::Match => with(Modifier::REVERSED.union(Modifier::BOLD)),
        Tone::Dim | Tone::Comment | Tone::FlameQuiet | Tone::FlameNative => with(Modifier::DIM),
        Tone::FlameOver => with(Modifier::BOLD.union(Modifier::UNDERLINED)),
        Tone::FlameOurs => with(Modifier::BOLD),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vars: &[(&str, &str)], depth: Depth, shade: Shade, glyphs: Glyphs) {
        let var = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_string());
        assert_eq!(Theme::detect(var, None), Theme { depth, shade, glyphs });
    }

    #[test]
    fn the_environment_decides_colours_shade_and_characters() {
        check(&[("TERM", "xterm-256color")], Depth::Indexed, Shade::Dark, Glyphs::Unicode);
        check(&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Depth::Full, Shade::Dark, Glyphs::Unicode);
        check(&[("TERM", "linux"), ("COLORFGBG", "0;15")], Depth::Sixteen, Shade::Light, Glyphs::Ascii);
        check(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")], Depth::None, Shade::Dark, Glyphs::Unicode);
        check(&[("NO_COLOR", ""), ("COLORTERM", "24bit")], Depth::Full, Shade::Dark, Glyphs::Unicode);
        check(&[("TERM", "xterm"), ("COLORFGBG", "15;default;0")], Depth::Sixteen, Shade::Dark, Glyphs::Unicode);
        check(&[("REFIT_ASCII", "1")], Depth::Sixteen, Shade::Dark, Glyphs::Ascii);
    }

    #[test]
    fn without_colours_no_style_carries_a_colour() {
        let theme = Theme { depth: Depth::None, shade: Shade::Dark, glyphs: Glyphs::Unicode };
        for tone in [Tone::Good, Tone::Bad, Tone::Warn, Tone::Added, Tone::Removed, Tone::Selected, Tone::Keyword] {
            let style = theme.style(tone);
            assert_eq!((style.fg, style.bg), (None, None), "{tone:?}");
        }
        assert_ne!(theme.style(Tone::Selected), theme.style(Tone::Text));
    }

    #[test]
    fn indexed_colours_are_near_the_full_ones() {
        assert_eq!(indexed(255, 255, 255), 231);
        assert_eq!(indexed(0, 0, 0), 16);
        assert_eq!(indexed(128, 128, 128), 244);
        assert_eq!(indexed(255, 0, 0), 196);
    }
}
