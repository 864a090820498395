//! Sums of products in twice a double's digits.

/// A sum of products in twice a double's digits.
///
/// # References
/// Ogita, Rump & Oishi, Accurate sum and dot product, SIAM J. Scientific Computing 26, 2005, algorithm 5.3.
#[derive(Clone, Copy, Default)]
pub(super) struct TwoSum {
    high: f64,
    low: f64,
}

impl TwoSum {
    pub(super) fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        let sum = self.high + product;
        let part = sum - self.high;
        let lost = (self.high - (sum - part)) + (product - part);
        self.low += lost + a.mul_add(b, -product);
        self.high = sum;
    }

    pub(super) fn value(&self) -> f64 {
        self.high + self.low
    }
}
