//! A state in 128 bits, with every time in it counted from now: what only happens later is the same.

use std::hash::{Hash, Hasher};

use advaudit::model::Timestamp;

/// A whole number this close to now, in seconds, is a time. Nothing else in a state is as large.
const NEAR: i64 = 60 * 60 * 24 * 365;

/// The fingerprint of a state at that time.
pub fn fingerprint(state: &impl Hash, now: Timestamp) -> u128 {
    let mut hasher = FromNow { now: now.as_second(), lanes: [0x9e37_79b9_7f4a_7c15, 0x2545_f491_4f6c_dd1d] };
    state.hash(&mut hasher);
    let [one, other] = hasher.lanes.map(mixed);
    u128::from(one) << 64 | u128::from(other)
}

struct FromNow {
    now: i64,
    lanes: [u64; 2],
}

fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ word >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ word >> 33
}

impl FromNow {
    fn take(&mut self, word: u64) {
        let [one, other] = &mut self.lanes;
        *one = (*one ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25);
        *one ^= *one >> 32;
        *other = other.wrapping_add(word).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29);
        *other ^= *other >> 31;
    }
}

impl Hasher for FromNow {
    fn finish(&self) -> u64 {
        mixed(self.lanes[0])
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.take(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.take(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.take(u64::from(number));
    }

    fn write_i32(&mut self, number: i32) {
        self.take(u64::from(number.cast_unsigned()));
    }

    fn write_usize(&mut self, number: usize) {
        self.take(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.take(number);
    }

    /// Seconds: of a time, or of a duration.
    fn write_i64(&mut self, seconds: i64) {
        let from_now = seconds - self.now;
        let is_time = from_now.abs() < NEAR;
        self.take(if is_time { (from_now.cast_unsigned()) ^ 1 << 62 } else { seconds.cast_unsigned() });
    }
}
