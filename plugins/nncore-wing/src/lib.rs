//! The wing loss of rows of a batch, for float32 and float64. `WingNumPy` is its oracle.
//!
//! `nncore/plugin.h` declares what is mirrored here; a test compares the sizes with nncore's.

use std::ffi::{c_char, c_void};
use std::slice;

/// `nnc_site`
#[repr(C)]
pub struct Site {
    struct_size: u64,
    host: *const c_void,
    hyper: *const f64,
    numbers: *const i64,
    input_shape: *const i64,
    output_shape: *const i64,
    work: *mut c_void,
    message: *mut c_char,
    seed: u64,
    step: i64,
    layer: i32,
    training: i32,
    part: i32,
    n_numbers: i32,
    n_input_dims: i32,
    n_output_dims: i32,
}

/// `nnc_loss_call`
#[repr(C)]
pub struct LossCall {
    struct_size: u64,
    site: *const Site,
    output: *const c_void,
    target: *const c_void,
    labels: *const i64,
    weight: *const c_void,
    loss: *mut c_void,
    d_output: *mut c_void,
    n_rows: i64,
    n_outputs: i64,
    n_targets: i64,
    first_row: i64,
    batch_rows: i64,
}

/// A number of a matrix, which is computed with in float64.
trait Real: Copy {
    fn wide(self) -> f64;
    fn of(x: f64) -> Self;
}

impl Real for f32 {
    fn wide(self) -> f64 {
        self as f64
    }
    fn of(x: f64) -> Self {
        x as f32
    }
}

impl Real for f64 {
    fn wide(self) -> f64 {
        self
    }
    fn of(x: f64) -> Self {
        x
    }
}

/// The loss of one error, and its slope.
fn wing(error: f64, width: f64, curvature: f64) -> (f64, f64) {
    let size = error.abs();
    let (value, slope) = if size < width {
        (
            width * (size / curvature).ln_1p(),
            width / (curvature + size),
        )
    } else {
        (size - (width - width * (width / curvature).ln_1p()), 1.0)
    };
    (
        value,
        if error == 0.0 {
            0.0
        } else {
            slope * error.signum()
        },
    )
}

/// # Safety
/// `call` points to what `nncore/plugin.h` says, with matrices of `T`.
unsafe fn rows<T: Real>(call: *const LossCall) -> i32 {
    let call = &*call;
    let known = (size_of::<LossCall>() as u64, size_of::<Site>() as u64);
    if call.struct_size < known.0 || (*call.site).struct_size < known.1 {
        return 1; // an older nncore, whose structures lack fields
    }
    if call.n_rows == 0 {
        return 0; // slices may not begin at NULL
    }
    let (n_rows, n) = (call.n_rows as usize, call.n_outputs as usize);
    let hyper = slice::from_raw_parts((*call.site).hyper, 2);
    let output = slice::from_raw_parts(call.output as *const T, n_rows * n);
    let target = slice::from_raw_parts(call.target as *const T, n_rows * n);
    let weight = slice::from_raw_parts(call.weight as *const T, n_rows);
    let loss = slice::from_raw_parts_mut(call.loss as *mut T, n_rows);
    let d_output = call.d_output as *mut T; // NULL when only the value is asked for
    for i in 0..n_rows {
        let mut sum = 0.0;
        for j in i * n..(i + 1) * n {
            let (value, slope) = wing(output[j].wide() - target[j].wide(), hyper[0], hyper[1]);
            sum += value;
            if !d_output.is_null() {
                *d_output.add(j) = T::of(weight[i].wide() * slope);
            }
        }
        loss[i] = T::of(sum);
    }
    0
}

/// # Safety
/// See `rows`.
#[no_mangle]
pub unsafe extern "C" fn wing_real_f32(call: *const LossCall) -> i32 {
    rows::<f32>(call)
}

/// # Safety
/// See `rows`.
#[no_mangle]
pub unsafe extern "C" fn wing_real_f64(call: *const LossCall) -> i32 {
    rows::<f64>(call)
}

/// Bytes of a call as this library knows it.
#[no_mangle]
pub extern "C" fn wing_size_of_call() -> u64 {
    size_of::<LossCall>() as u64
}

#[cfg(test)]
mod tests {
    use super::wing;

    #[test]
    fn both_branches_meet_where_small_errors_end() {
        let (below, _) = wing(10.0 - 1e-9, 10.0, 2.0);
        let (above, slope) = wing(-10.0, 10.0, 2.0);
        assert!((below - above).abs() < 1e-8);
        assert_eq!(slope, -1.0);
    }

    #[test]
    fn no_error_has_no_slope() {
        assert_eq!(wing(0.0, 10.0, 2.0), (0.0, 0.0));
        assert!(wing(f64::NAN, 10.0, 2.0).1.is_nan());
    }
}
