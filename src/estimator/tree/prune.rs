//! Minimal cost-complexity pruning.
//!
//! A subtree costs the impurity of its leaves, each by its part of the weight, and α for each leaf. The branch whose leaves
//! save least for what they are, `(R(node) − R(branch)) / (leaves − 1)`, the weakest link, is cut first, and so on
//! while that is at most α. Sums are formed in scikit-learn's order, so that equal links are cut in its order.
//!
//! # References
//! Breiman, Friedman, Olshen, Stone 1984, "Classification and Regression Trees", chapter 3.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::flat::{NO_CHILD, NO_FEATURE, NO_THRESHOLD, Tree};

/// A branch that may be cut: what its leaves save, and its node; of equal ones the first node is cut first.
#[derive(Clone, Copy)]
struct Link {
    saved: f64,
    node: usize,
}

impl Ord for Link {
    fn cmp(&self, other: &Self) -> Ordering {
        self.saved.total_cmp(&other.saved).then(self.node.cmp(&other.node))
    }
}

impl PartialOrd for Link {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Link {}

/// A tree while branches are cut off it.
struct Pruning<'a> {
    tree: &'a Tree,
    parents: Vec<Option<usize>>,
    /// What each node costs as a leaf.
    of_node: Vec<f64>,
    /// What the leaves below each node cost.
    of_branch: Vec<f64>,
    /// How many these are; 0 for a leaf.
    n_leaves: Vec<usize>,
    /// The branches that are left, the weakest first.
    links: BTreeSet<Link>,
}

impl Tree {
    /// The tree without the branches that are not worth `ccp_alpha` for each leaf; its nodes depth first.
    pub fn pruned(&self, ccp_alpha: f64) -> Self {
        let mut pruning = Pruning::of(self);
        while let Some(&weakest) = pruning.links.first()
            && weakest.saved <= ccp_alpha
        {
            pruning.cut(weakest.node);
        }
        pruning.rest()
    }
}

impl<'a> Pruning<'a> {
    fn of(tree: &'a Tree) -> Self {
        let n = tree.n_nodes();
        let whole = tree.weighted_n_node_samples[0];
        let of_node: Vec<f64> =
            (0..n).map(|node| tree.weighted_n_node_samples[node] * tree.impurity[node] / whole).collect();
        let mut parents = vec![None; n];
        for node in (0..n).filter(|&node| !tree.is_leaf(node)) {
            for child in children(tree, node) {
                parents[child] = Some(node);
            }
        }
        let mut pruning = Self {
            tree,
            parents,
            of_branch: vec![0.0; n],
            n_leaves: vec![0; n],
            links: BTreeSet::new(),
            of_node,
        };
        for leaf in (0..n).filter(|&node| tree.is_leaf(node)) {
            let cost = pruning.of_node[leaf];
            pruning.of_branch[leaf] = cost;
            let mut above = pruning.parents[leaf];
            while let Some(node) = above {
                pruning.of_branch[node] += cost;
                pruning.n_leaves[node] += 1;
                above = pruning.parents[node];
            }
        }
        pruning.links = (0..n).filter(|&node| !tree.is_leaf(node)).map(|node| pruning.link(node)).collect();
        pruning
    }

    /// The branch at a node that is not a leaf.
    fn link(&self, node: usize) -> Link {
        let saved = (self.of_node[node] - self.of_branch[node]) / (self.n_leaves[node] as f64 - 1.0);
        // The two zeros are one.
        Link { saved: saved + 0.0, node }
    }

    /// Makes a node a leaf.
    fn cut(&mut self, node: usize) {
        let mut below = vec![node];
        while let Some(one) = below.pop() {
            if self.n_leaves[one] > 0 {
                let link = self.link(one);
                self.links.remove(&link);
                if one != node {
                    self.n_leaves[one] = 0;
                }
                below.extend(children(self.tree, one));
            }
        }
        let n_gone = self.n_leaves[node] - 1;
        let more = self.of_node[node] - self.of_branch[node];
        self.n_leaves[node] = 0;
        self.of_branch[node] = self.of_node[node];
        let mut above = self.parents[node];
        while let Some(one) = above {
            let link = self.link(one);
            self.links.remove(&link);
            self.n_leaves[one] -= n_gone;
            self.of_branch[one] += more;
            let link = self.link(one);
            self.links.insert(link);
            above = self.parents[one];
        }
    }

    /// What is left.
    fn rest(&self) -> Tree {
        let from = self.tree;
        let k = from.value.len() / from.n_nodes();
        let mut tree = Tree::default();
        let mut stack = vec![(0, None)];
        while let Some((node, link)) = stack.pop() {
            let id = tree.n_nodes();
            match link {
                Some((parent, false)) => tree.children_left[parent] = id as i32,
                Some((parent, true)) => tree.children_right[parent] = id as i32,
                None => {}
            }
            let is_leaf = self.n_leaves[node] == 0;
            tree.children_left.push(NO_CHILD);
            tree.children_right.push(NO_CHILD);
            tree.feature.push(if is_leaf { NO_FEATURE } else { from.feature[node] });
            tree.threshold.push(if is_leaf { NO_THRESHOLD } else { from.threshold[node] });
            tree.impurity.push(from.impurity[node]);
            tree.n_node_samples.push(from.n_node_samples[node]);
            tree.weighted_n_node_samples.push(from.weighted_n_node_samples[node]);
            tree.value.extend(&from.value[node * k..(node + 1) * k]);
            if !is_leaf {
                let [left, right] = children(from, node);
                stack.push((right, Some((id, true))));
                stack.push((left, Some((id, false))));
            }
        }
        tree
    }
}

/// The children of a node that is not a leaf.
fn children(tree: &Tree, node: usize) -> [usize; 2] {
    [tree.children_left[node] as usize, tree.children_right[node] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root of 8 rows, impurity ½; its left child, 4 rows, has two pure leaves, its right child is pure.
    fn small() -> Tree {
        Tree {
            children_left: vec![1, 2, -1, -1, -1],
            children_right: vec![4, 3, -1, -1, -1],
            feature: vec![0, 1, -2, -2, -2],
            threshold: vec![0.5, 1.5, -2.0, -2.0, -2.0],
            impurity: vec![0.46875, 0.375, 0.0, 0.0, 0.0],
            n_node_samples: vec![8, 4, 3, 1, 4],
            weighted_n_node_samples: vec![8.0, 4.0, 3.0, 1.0, 4.0],
            value: vec![0.375, 0.75, 1.0, 0.0, 0.0],
        }
    }

    #[test]
    fn the_weakest_link_goes_first() {
        let tree = small();
        // The lower branch saves 4/8 · 0.375 = 0.1875 for one leaf, the whole one 0.46875 for two: 0.234375 each.
        assert_eq!(tree.pruned(0.1874), tree);
        let cut = tree.pruned(0.1875);
        assert_eq!(
            (cut.children_left.clone(), cut.children_right.clone()),
            (vec![1, -1, -1], vec![2, -1, -1])
        );
        assert_eq!((cut.feature.clone(), cut.threshold.clone()), (vec![0, -2, -2], vec![0.5, -2.0, -2.0]));
        assert_eq!((cut.value.clone(), cut.n_node_samples.clone()), (vec![0.375, 0.75, 0.0], vec![8, 4, 4]));
        assert!(cut.is_sound(2, 1));
        // Without the lower branch the root's split saves 0.46875 − 0.1875 for one leaf.
        assert_eq!(tree.pruned(0.28).n_nodes(), 3);
        assert_eq!(tree.pruned(0.29).n_nodes(), 1);
        assert_eq!(tree.pruned(0.29).pruned(1.0), tree.pruned(0.29));
    }
}
