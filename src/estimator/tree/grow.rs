//! Growing a tree: its nodes, and depth first. [Best first](super::best_first) is the other order.

use rand_xoshiro::rand_core::Rng;

use super::columns::{Code, Codes, Columns};
use super::criterion::Criterion;
use super::flat::{NO_CHILD, NO_FEATURE, NO_THRESHOLD, Tree};
use super::split::{Node, Search, Split};
use crate::error::Result;
use crate::rng::{self, Purpose};
use crate::telemetry::check_interrupt;

/// How thresholds are sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splitter {
    /// Every middle between neighbouring values is tried.
    Best,
    /// One value a feature, drawn at random.
    Random,
}

/// What ends the growth of a tree, and how it grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Levels below the root.
    pub max_depth: usize,
    /// Nodes of fewer rows are leaves.
    pub min_samples_split: usize,
    /// Rows that each child must have.
    pub min_samples_leaf: usize,
    /// The weight that each child must have.
    pub min_weight_leaf: f64,
    /// How much of the whole tree's impurity a split must take away.
    pub min_impurity_decrease: f64,
    /// Features drawn at each node.
    pub max_features: usize,
    /// How thresholds are sought.
    pub splitter: Splitter,
    /// The most leaves, 2 or more: where there is a limit the splits that take away most of the impurity are made first.
    pub max_leaf_nodes: Option<usize>,
}

impl Limits {
    #[inline(always)]
    pub(super) fn allow_counts(&self, n_left: usize, n_right: usize) -> bool {
        n_left.min(n_right) >= self.min_samples_leaf
    }
}

/// A row to grow on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its place in the columns.
    pub row: u32,
    /// Its class, from 0, or its number.
    pub target: f64,
    /// Its weight, above 0.
    pub weight: f64,
}

/// Grows trees on the same columns, and keeps its memory from one to the next.
pub struct Grower<'a, const K: usize> {
    columns: &'a Columns,
    limits: Limits,
    n_outputs: usize,
    search: Search<'a, K>,
    rows: Vec<u32>,
    targets: Vec<(f64, f64)>,
    spare_rows: Vec<u32>,
    spare_targets: Vec<(f64, f64)>,
    stack: Vec<Task>,
    n_sought: u64,
}

/// A tree, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Grown {
    /// The tree.
    pub tree: Tree,
    /// For each feature tried: the rows of all nodes whose split was found, and some for each such node.
    pub n_sought: u64,
}

/// A node to be grown.
#[derive(Clone, Copy)]
pub(super) struct Task {
    start: usize,
    end: usize,
    depth: usize,
    /// The parent, and whether this is its right child.
    parent: Option<(usize, bool)>,
    key: u64,
}

/// A node of the tree, a leaf as yet, with the split that it may get.
#[derive(Clone, Copy)]
pub(super) struct Opened {
    pub(super) id: usize,
    task: Task,
    split: Split,
    /// How much of the whole tree's impurity the split takes away.
    pub(super) decrease: f64,
    keys: [u64; 2],
}

impl<'a, const K: usize> Grower<'a, K> {
    /// A grower of trees with `n_outputs` values a node: classes, at most `K`, or 1 number.
    pub fn new(columns: &'a Columns, limits: Limits, n_outputs: usize) -> Self {
        Self {
            columns,
            limits,
            n_outputs,
            search: Search::new(columns, limits),
            rows: Vec::new(),
            targets: Vec::new(),
            spare_rows: Vec::new(),
            spare_targets: Vec::new(),
            stack: Vec::new(),
            n_sought: 0,
        }
    }

    /// Grows a tree on `rows`, of which there is at least one; all that is drawn follows from `key`.
    ///
    /// # Errors
    /// That of an [interruption](check_interrupt).
    pub fn grow<C: Criterion<K>>(&mut self, rows: impl Iterator<Item = Row>, key: u64) -> Result<Grown> {
        self.rows.clear();
        self.targets.clear();
        for row in rows {
            self.rows.push(row.row);
            self.targets.push((row.target, row.weight));
        }
        self.spare_rows.resize(self.rows.len(), 0);
        self.spare_targets.resize(self.rows.len(), (0.0, 0.0));
        self.n_sought = 0;
        let root = Task { start: 0, end: self.rows.len(), depth: 0, parent: None, key };
        let tree = match self.limits.max_leaf_nodes {
            None => self.depth_first::<C>(root),
            Some(most) => self.best_first::<C>(root, most),
        }?;
        Ok(Grown { tree, n_sought: self.n_sought })
    }

    fn depth_first<C: Criterion<K>>(&mut self, root: Task) -> Result<Tree> {
        let mut tree = Tree::default();
        self.stack.clear();
        self.stack.push(root);
        while let Some(task) = self.stack.pop() {
            check_interrupt()?;
            if let Some(opened) = self.open::<C>(&mut tree, task, true) {
                let [left, right] = self.divide(&mut tree, opened);
                self.stack.push(right);
                self.stack.push(left);
            }
        }
        Ok(tree)
    }

    /// Adds a node, a leaf as yet, and finds its split, unless the limits make it a leaf or nobody `seeks` one.
    #[inline(always)]
    pub(super) fn open<C: Criterion<K>>(
        &mut self,
        tree: &mut Tree,
        task: Task,
        seeks: bool,
    ) -> Option<Opened> {
        let (rows, targets) = (&self.rows[task.start..task.end], &self.targets[task.start..task.end]);
        let mut sums = [0.0; K];
        targets.iter().for_each(|&(target, weight)| C::add(&mut sums, target, weight));
        let weight = C::weight(&sums);
        let impurity = C::impurity(&sums, weight, targets.iter().copied());
        let node = Node { rows, targets, sums, weight };
        let id = push::<K, C>(tree, task, &node, impurity, self.n_outputs);
        let n = rows.len();
        let is_leaf = !seeks
            || task.depth >= self.limits.max_depth
            || n < self.limits.min_samples_split
            || n < 2 * self.limits.min_samples_leaf
            || weight < 2.0 * self.limits.min_weight_leaf
            || impurity <= f64::EPSILON;
        if is_leaf {
            return None;
        }
        let mut rng = rng::stream(task.key, Purpose::Node, 0);
        let keys = [rng.next_u64(), rng.next_u64()];
        let split = self.search.best::<C>(&node, &mut rng)?;
        let decrease = (split.score - C::score(&sums, weight)) / tree.weighted_n_node_samples[0];
        if self.limits.min_impurity_decrease > 0.0
            && decrease + f64::EPSILON < self.limits.min_impurity_decrease
        {
            return None;
        }
        self.n_sought += n as u64 + 40;
        Some(Opened { id, task, split, decrease, keys })
    }

    /// Splits a node; returns its children, which are to be opened.
    #[inline(always)]
    pub(super) fn divide(&mut self, tree: &mut Tree, opened: Opened) -> [Task; 2] {
        let Opened { id, task, split, keys, .. } = opened;
        tree.feature[id] = split.feature as i32;
        tree.threshold[id] = split.threshold;
        let middle = task.start + self.part(task, split);
        let child = |start, end, is_right: bool| Task {
            start,
            end,
            depth: task.depth + 1,
            parent: Some((id, is_right)),
            key: keys[usize::from(is_right)],
        };
        [child(task.start, middle, false), child(middle, task.end, true)]
    }

    /// Puts the rows that go left before the others, in the order that they had; returns how many they are.
    fn part(&mut self, task: Task, split: Split) -> usize {
        match &self.columns.column(split.feature).codes {
            Codes::Narrow(codes) => self.part_by(task, codes, split.rank),
            Codes::Wide(codes) => self.part_by(task, codes, split.rank),
        }
    }

    fn part_by<T: Code>(&mut self, task: Task, codes: &[T], rank: usize) -> usize {
        let rows = &mut self.rows[task.start..task.end];
        let targets = &mut self.targets[task.start..task.end];
        let (mut left, mut right) = (0, 0);
        for place in 0..rows.len() {
            let (row, target) = (rows[place], targets[place]);
            // Both are written and one of them counts: no branch to mispredict.
            let goes_left = codes[row as usize].rank() <= rank;
            self.spare_rows[right] = row;
            self.spare_targets[right] = target;
            rows[left] = row;
            targets[left] = target;
            left += usize::from(goes_left);
            right += usize::from(!goes_left);
        }
        rows[left..].copy_from_slice(&self.spare_rows[..right]);
        targets[left..].copy_from_slice(&self.spare_targets[..right]);
        left
    }
}

/// Adds a leaf to the tree and links it to its parent.
fn push<const K: usize, C: Criterion<K>>(
    tree: &mut Tree,
    task: Task,
    node: &Node<'_, K>,
    impurity: f64,
    n_outputs: usize,
) -> usize {
    let id = tree.n_nodes();
    match task.parent {
        Some((parent, false)) => tree.children_left[parent] = id as i32,
        Some((parent, true)) => tree.children_right[parent] = id as i32,
        None => {}
    }
    tree.children_left.push(NO_CHILD);
    tree.children_right.push(NO_CHILD);
    tree.feature.push(NO_FEATURE);
    tree.threshold.push(NO_THRESHOLD);
    tree.impurity.push(impurity);
    tree.n_node_samples.push(node.rows.len() as i32);
    tree.weighted_n_node_samples.push(node.weight);
    tree.value.extend(C::value(&node.sums, node.weight, n_outputs));
    id
}
