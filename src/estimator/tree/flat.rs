//! A grown tree as flat arrays, in scikit-learn's layout.

use serde::{Deserialize, Serialize};

/// The `children_left` and `children_right` of a leaf.
pub(super) const NO_CHILD: i32 = -1;
/// The `feature` of a leaf.
pub(super) const NO_FEATURE: i32 = -2;
/// The `threshold` of a leaf.
pub(super) const NO_THRESHOLD: f64 = -2.0;

/// A tree: one entry a node, a parent before its children. Grown depth first, a node's left subtree comes before its right
/// one; grown best first, the two children of a node follow one another, in the order in which nodes were split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The node for rows whose `feature` is at most `threshold`; −1 for a leaf.
    pub children_left: Vec<i32>,
    /// The node for other rows; −1 for a leaf.
    pub children_right: Vec<i32>,
    /// The feature compared; −2 for a leaf.
    pub feature: Vec<i32>,
    /// What it is compared with; −2 for a leaf.
    pub threshold: Vec<f64>,
    /// The node's impurity.
    pub impurity: Vec<f64>,
    /// Rows (each counted once) that came to the node in the fit.
    pub n_node_samples: Vec<i32>,
    /// Their weight.
    pub weighted_n_node_samples: Vec<f64>,
    /// Shares of the classes, or the mean, `(n_nodes, n_outputs)`.
    pub value: Vec<f64>,
}

impl Tree {
    /// How many nodes it has.
    pub fn n_nodes(&self) -> usize {
        self.feature.len()
    }

    /// Whether `node` is a leaf.
    #[inline(always)]
    pub fn is_leaf(&self, node: usize) -> bool {
        self.children_left[node] < 0
    }

    /// Whether `node` is split within the first `n_nodes` nodes of a tree: all of it, or best first the beginning of it.
    #[inline(always)]
    pub fn goes_on(&self, node: usize, n_nodes: usize) -> bool {
        // A leaf has no child, which is no small number without its sign.
        (self.children_left[node] as u32 as usize) < n_nodes.min(NO_CHILD as u32 as usize)
    }

    /// The child of `node` to which a row goes. Values are rounded to single precision, as in the fit.
    #[inline(always)]
    pub fn child(&self, node: usize, row: &[f32]) -> usize {
        let goes_left = f64::from(row[self.feature[node] as usize]) <= self.threshold[node];
        (if goes_left { self.children_left[node] } else { self.children_right[node] }) as usize
    }

    /// The leaf to which a row comes.
    pub fn leaf(&self, row: &[f32]) -> usize {
        let mut node = 0;
        while !self.is_leaf(node) {
            node = self.child(node, row);
        }
        node
    }

    /// How many leaves it has.
    pub fn n_leaves(&self) -> usize {
        self.n_nodes().div_ceil(2)
    }

    /// The levels below the root.
    pub fn depth(&self) -> usize {
        let mut depth = vec![0usize; self.n_nodes()];
        for node in 0..self.n_nodes() {
            if !self.is_leaf(node) {
                for child in [self.children_left[node], self.children_right[node]] {
                    depth[child as usize] = depth[node] + 1;
                }
            }
        }
        depth.into_iter().max().unwrap_or(0)
    }

    /// How much each of `n_features` lowered the impurity, summing to 1 unless none did.
    pub fn feature_importances(&self, n_features: usize) -> Vec<f64> {
        let mut importances = vec![0.0; n_features];
        let part = |node: usize| self.weighted_n_node_samples[node] * self.impurity[node];
        for node in (0..self.n_nodes()).filter(|&node| !self.is_leaf(node)) {
            let (left, right) = (self.children_left[node] as usize, self.children_right[node] as usize);
            importances[self.feature[node] as usize] += part(node) - part(left) - part(right);
        }
        let total: f64 = importances.iter().sum();
        if total > 0.0 {
            importances.iter_mut().for_each(|importance| *importance /= total);
        }
        importances
    }

    /// Whether the arrays make a tree over `n_features` features with `n_outputs` values a node.
    pub fn is_sound(&self, n_features: usize, n_outputs: usize) -> bool {
        let n = self.n_nodes();
        let lengths = [
            self.children_left.len(),
            self.children_right.len(),
            self.threshold.len(),
            self.impurity.len(),
            self.n_node_samples.len(),
            self.weighted_n_node_samples.len(),
        ];
        let below = |node: usize, child: i32| usize::try_from(child).is_ok_and(|c| c > node && c < n);
        n > 0
            && lengths == [n; 6]
            && self.value.len() == n * n_outputs
            && (0..n).all(|node| {
                self.is_leaf(node)
                    || below(node, self.children_left[node])
                        && below(node, self.children_right[node])
                        && usize::try_from(self.feature[node]).is_ok_and(|f| f < n_features)
            })
    }
}
