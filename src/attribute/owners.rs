//! Frames and stacks of a profile in, the row that owns each stack out.

use std::collections::HashMap;

use super::files::{Files, Match};
use super::index::{Index, Meaning};
use super::remapped::{self, Unplaced};
use super::symbol::Symbol;
use crate::model::{Frame, Item, LOST_CALLER, NodeId, Profile, RowKind};

/// What a frame is to the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameOwner {
    /// A function of the workspace, with the line in its file (0 where unknown).
    Item {
        /// Index into the items.
        item: u32,
        /// Line from 1; 0 where unknown.
        line: u32,
    },
    /// A labelled row: an ambiguous symbol, or a function of a crate that counts as ours.
    Label(u32),
    /// Code of ours without a function in the text; counts for its caller.
    Ours(u32),
    /// std, dependencies, kernel, C.
    Outside,
    /// A caller that frame pointers skip: what runs below it belongs to nobody known.
    Lost,
    /// No symbol.
    Unknown,
}

/// Who owns a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackOwner {
    /// An item and the line of its frame.
    Item {
        /// Index into the items.
        item: u32,
        /// Line from 1; 0 where unknown.
        line: u32,
    },
    /// A labelled row.
    Label(u32),
}

/// Owners of all frames and stacks.
pub struct Owners {
    stacks: Vec<StackOwner>,
    on_stack: HashMap<NodeId, OnStack>,
    /// The function of each node's own frame.
    own: Vec<Option<u32>>,
    /// Labelled rows: kind and name.
    pub labels: Vec<(RowKind, String)>,
    /// Whether the lines fit the source.
    pub stale: Stale,
    /// Whether the paths do.
    pub unplaced: Unplaced,
}

/// Row of stacks that hold symbols but no function of the workspace.
pub const RUNTIME: &str = "runtime and libraries";
/// Row of what runs in C below a caller that frame pointers skip and that no call names.
pub const LOST: &str = "below C, caller not recorded";
/// Row of stacks without a single symbol.
pub const NO_SYMBOLS: &str = "stacks without symbols";

impl Owners {
    /// Places every frame once, then every stack by its innermost frame that is ours.
    pub fn new(profile: &Profile, items: &[Item], own: &[String]) -> Owners {
        let mut labels = Labels::default();
        let runtime = labels.id(RowKind::Unattributed, RUNTIME);
        let blank = labels.id(RowKind::Unattributed, NO_SYMBOLS);
        let (frames, stale, unplaced) = place_frames(&profile.frames, items, own, &mut labels);
        let mut stacks: Vec<StackOwner> = Vec::with_capacity(profile.nodes.len());
        for node in &profile.nodes {
            let caller = node.parent.map(|p| stacks[p.0 as usize]);
            let own = match frames[node.frame.0 as usize] {
                FrameOwner::Item { item, line } => StackOwner::Item { item, line },
                FrameOwner::Label(label) => StackOwner::Label(label),
                FrameOwner::Ours(label) => match caller {
                    Some(StackOwner::Label(l)) if l == runtime || l == blank => StackOwner::Label(label),
                    Some(caller) => caller,
                    None => StackOwner::Label(label),
                },
                FrameOwner::Outside => match caller {
                    Some(StackOwner::Label(l)) if l == blank => StackOwner::Label(runtime),
                    caller => caller.unwrap_or(StackOwner::Label(runtime)),
                },
                FrameOwner::Lost => StackOwner::Label(labels.id(RowKind::Unattributed, LOST)),
                FrameOwner::Unknown => caller.unwrap_or(StackOwner::Label(blank)),
            };
            stacks.push(own);
        }
        let own = profile.nodes.iter().map(|node| match frames[node.frame.0 as usize] {
            FrameOwner::Item { item, .. } => Some(item),
            _ => None,
        });
        let own: Vec<Option<u32>> = own.collect();
        let on_stack = on_stacks(profile, &own);
        Owners { stacks, on_stack, own, labels: labels.all, stale, unplaced }
    }

    /// Who owns a sample with this stack.
    pub fn of(&self, leaf: Option<NodeId>) -> StackOwner {
        // The second label made is that of stacks without symbols.
        leaf.map_or(StackOwner::Label(1), |n| self.stacks[n.0 as usize])
    }

    /// The item that is itself the leaf, if one is.
    pub fn leaf_item(&self, leaf: Option<NodeId>) -> Option<u32> {
        leaf.and_then(|n| self.on_stack.get(&n)).and_then(|on| on.leaf)
    }

    /// The item of a node's own frame, if it is one.
    pub fn own_item(&self, node: NodeId) -> Option<u32> {
        self.own[node.0 as usize]
    }

    /// Every item on the stack, once.
    pub fn items_on(&self, leaf: Option<NodeId>) -> &[u32] {
        leaf.and_then(|n| self.on_stack.get(&n)).map_or(&[], |on| &on.items)
    }
}

/// The items on one stack.
#[derive(Clone, Debug, Default)]
struct OnStack {
    leaf: Option<u32>,
    items: Vec<u32>,
}

fn on_stacks(profile: &Profile, own: &[Option<u32>]) -> HashMap<NodeId, OnStack> {
    let mut all: HashMap<NodeId, OnStack> = HashMap::new();
    for leaf in profile.samples.iter().filter_map(|s| s.leaf) {
        all.entry(leaf).or_insert_with(|| on_stack(profile, own, leaf));
    }
    all
}

fn on_stack(profile: &Profile, own: &[Option<u32>], leaf: NodeId) -> OnStack {
    let callers = std::iter::successors(Some(leaf), |n| profile.nodes[n.0 as usize].parent);
    let mut items: Vec<u32> = callers.filter_map(|node| own[node.0 as usize]).collect();
    items.sort_unstable();
    items.dedup();
    OnStack { leaf: own[leaf.0 as usize], items }
}

#[derive(Default)]
struct Labels {
    all: Vec<(RowKind, String)>,
    by_name: HashMap<(RowKind, String), u32>,
}

impl Labels {
    fn id(&mut self, kind: RowKind, name: &str) -> u32 {
        *self.by_name.entry((kind, name.to_owned())).or_insert_with(|| {
            self.all.push((kind, name.to_owned()));
            self.all.len() as u32 - 1
        })
    }
}

/// What the spelling of a frame says before it is placed.
struct Read<'a> {
    symbol: Symbol,
    meaning: Meaning,
    file: Option<&'a str>,
}

fn place_frames(
    frames: &[Frame],
    items: &[Item],
    own: &[String],
    labels: &mut Labels,
) -> (Vec<FrameOwner>, Stale, Unplaced) {
    let (index, files) = (Index::new(items), Files::new(items));
    let symbols: Vec<Symbol> = frames.iter().map(|f| Symbol::parse(&f.symbol)).collect();
    let meanings: Vec<Meaning> = symbols.iter().map(|symbol| index.resolve(symbol)).collect();
    let written: Vec<Match> =
        frames.iter().map(|f| if f.line == 0 { Match::None } else { files.find(&f.file) }).collect();
    let (meant, unplaced) = remapped::place(frames, &meanings, &written, &files, items);
    let root = workspace_root(&index, &symbols, &written);
    let read: Vec<Read> = symbols
        .into_iter()
        .zip(meanings)
        .zip(written.iter().zip(meant))
        .map(|((symbol, meaning), (found, meant))| {
            let is_ours = symbol.is_bare() || index.may_be_ours(&symbol);
            let file = trusted_file(&index, &symbol, found, root.as_deref()).or(meant.filter(|_| is_ours));
            Read { symbol, meaning, file }
        })
        .collect();
    let stale = staleness(frames, &read, &files);
    let owners = read.iter().zip(frames).map(|(read, frame)| {
        let by_line = if stale.too_much() { None } else { by_line(&files, read, frame.line) };
        by_line.unwrap_or_else(|| by_symbol(read, frame, own, items, labels))
    });
    (owners.collect(), stale, unplaced)
}

/// The function of each frame, where it is one of the workspace.
pub fn items_of_frames(frames: &[Frame], items: &[Item], own: &[String]) -> Vec<Option<u32>> {
    let (owners, ..) = place_frames(frames, items, own, &mut Labels::default());
    let item = |owner: &FrameOwner| match owner {
        FrameOwner::Item { item, .. } => Some(*item),
        _ => None,
    };
    owners.iter().map(item).collect()
}

/// How often the line of a frame lies outside of the function that its symbol names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// Frames with a line and a symbol of the workspace.
    pub compared: u32,
    /// Those whose line lies elsewhere.
    pub elsewhere: u32,
}

impl Stale {
    /// True if the lines are those of another version of the source.
    pub fn too_much(self) -> bool {
        self.compared >= 10 && self.elsewhere * 4 > self.compared
    }
}

/// Tells only where inlined frames stand by themselves: else a frame's line is that of what was inlined into it.
fn staleness(frames: &[Frame], read: &[Read], files: &Files) -> Stale {
    let mut stale = Stale::default();
    if !frames.iter().any(|f| f.inlined) {
        return stale;
    }
    for (read, frame) in read.iter().zip(frames) {
        if let (Meaning::Item(item), Some(file)) = (&read.meaning, read.file) {
            stale.compared += 1;
            stale.elsewhere += u32::from(!files.holds(*item, file, frame.line));
        }
    }
    stale
}

/// What most frames of workspace crates have before the workspace path: where the service was built.
fn workspace_root(index: &Index, symbols: &[Symbol], written: &[Match]) -> Option<String> {
    let mut votes: HashMap<&str, u32> = HashMap::new();
    for (symbol, found) in symbols.iter().zip(written) {
        if let Match::Whole { root, .. } = found
            && index.may_be_ours(symbol)
        {
            *votes.entry(root).or_default() += 1;
        }
    }
    votes.into_iter().max_by_key(|(root, count)| (*count, std::cmp::Reverse(*root))).map(|(root, _)| root.to_owned())
}

/// The file of a frame, unless its symbol says that it is another crate's file of the same name.
fn trusted_file<'a>(index: &Index, symbol: &Symbol, found: &Match<'a>, root: Option<&str>) -> Option<&'a str> {
    match found {
        Match::Whole { file, root: here } => {
            let built_here = root.is_none_or(|root| root == here);
            (built_here && (symbol.is_bare() || index.may_be_ours(symbol))).then_some(file)
        }
        // std has a `hash.rs` too; a bare file name needs a symbol that says whose it is.
        Match::Tail(file) => (!symbol.is_bare() && index.may_be_ours(symbol)).then_some(file),
        Match::None => None,
    }
}

fn by_line(files: &Files, read: &Read, line: u32) -> Option<FrameOwner> {
    let file = read.file?;
    let innermost = files.at(file, line)?;
    // Two functions on one line: the symbol tells which.
    let item = match read.meaning {
        Meaning::Item(item) if files.same_lines(item, innermost) => item,
        _ => innermost,
    };
    Some(FrameOwner::Item { item, line })
}

fn by_symbol(read: &Read, frame: &Frame, own: &[String], items: &[Item], labels: &mut Labels) -> FrameOwner {
    let missing = || format!("{NOT_IN_SOURCE}{}", read.symbol.shown());
    match &read.meaning {
        Meaning::Item(item) => FrameOwner::Item { item: *item, line: 0 },
        Meaning::Ambiguous(all) => FrameOwner::Label(labels.id(RowKind::Unattributed, &ambiguous(all, items))),
        Meaning::Ours => FrameOwner::Ours(labels.id(RowKind::Unattributed, &missing())),
        Meaning::Outside if read.symbol.crates.first().is_some_and(|c| own.iter().any(|o| glob(o, c))) => {
            FrameOwner::Label(labels.id(RowKind::Function, &read.symbol.shown()))
        }
        Meaning::Outside if read.file.is_some() => FrameOwner::Ours(labels.id(RowKind::Unattributed, &missing())),
        Meaning::Outside if frame.symbol == LOST_CALLER => FrameOwner::Lost,
        Meaning::Outside if frame.symbol == "[unknown]" || frame.symbol.is_empty() => FrameOwner::Unknown,
        Meaning::Outside => FrameOwner::Outside,
    }
}

/// How the label of a symbol begins that names a crate of ours and no function of the sources.
pub const NOT_IN_SOURCE: &str = "not in the source: ";
/// Names of an ambiguous row that are shown: an `impl From` for every variant would fill the screen.
const NAMED: usize = 3;

/// The label of a row that may belong to any of these items.
pub fn ambiguous(all: &[u32], items: &[Item]) -> String {
    let name = |i: &u32| items[*i as usize].id.0.as_str();
    if all.len() <= NAMED {
        return format!("ambiguous: {}", all.iter().map(name).collect::<Vec<_>>().join(" or "));
    }
    let first = all.first().map_or("", name);
    format!("ambiguous: {first} or {} more of that name", all.len() - 1)
}

/// `pay-*` matches the crate `pay_risk`.
fn glob(pattern: &str, krate: &str) -> bool {
    let pattern = pattern.replace('-', "_");
    match pattern.strip_suffix('*') {
        Some(start) => krate.starts_with(start),
        None => krate == pattern,
    }
}
