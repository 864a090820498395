//! The head of a message: its length and its first bytes.
//!
//! A receiver that knows the head's size learns from it how much more will come; a short message is all head.

/// The length that a head begins with.
pub(super) fn length(head: &[u8]) -> usize {
    let bytes = head[..8].try_into().expect("a head begins with eight bytes");
    usize::try_from(u64::from_le_bytes(bytes)).expect("a message fits in the address space")
}

/// A head: the length, then the message's first bytes, then zeros up to `room`.
pub(super) fn head(bytes: &[u8], inline: usize, room: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(8 + room);
    head.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    head.extend_from_slice(&bytes[..inline]);
    head.resize(8 + room, 0);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_holds_the_length_and_the_first_bytes() {
        let head = head(&[5, 6, 7], 2, 4);
        assert_eq!(head, [3, 0, 0, 0, 0, 0, 0, 0, 5, 6, 0, 0]);
        assert_eq!(length(&head), 3);
    }

    #[test]
    fn lengths_above_four_gigabytes_are_kept() {
        let mut head = [0; 9];
        head[..8].copy_from_slice(&(5u64 << 32).to_le_bytes());
        assert_eq!(length(&head), 5 << 32);
    }
}
