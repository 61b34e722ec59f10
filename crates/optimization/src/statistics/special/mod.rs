//! Special functions and distributions, accurate to about 1e-13 relative also in the tails and for millions of degrees of
//! freedom. The error function and the logarithm of the gamma function are those of `libm`.

mod beta;
mod gamma;
mod noncentral;
mod normal;
mod quadrature;
mod student;

pub use beta::{beta_tails, fisher_upper};
pub use gamma::chi_square_upper;
pub use noncentral::noncentral_t_lower;
pub use normal::{horner, normal_density, normal_quantile, normal_two_sided, normal_upper};
pub use quadrature::{integral, nodes};
pub use student::{student_quantile, student_two_sided};

#[cfg(test)]
mod tests {
    use super::*;

    /// The table is made by `tests/statistics/reference.py` with 60 digits.
    #[test]
    fn tails_agree_with_arithmetic_of_many_digits() {
        for line in include_str!("../../../tests/statistics/tails.csv").lines().skip(1) {
            let mut fields = line.split(',');
            let kind = fields.next().unwrap();
            let [a, b, x, wanted] = [(); 4].map(|()| fields.next().unwrap().parse::<f64>().unwrap());
            let found = match kind {
                "student" => student_two_sided(a, x),
                "fisher" => fisher_upper(a, b, x),
                "chi_square" => chi_square_upper(a, x),
                "normal" => normal_upper(x),
                other => panic!("unknown kind {other}"),
            };
            assert!((found / wanted - 1.0).abs() < 2e-12, "{line}: {found:e}");
        }
    }

    #[test]
    fn quantiles_invert_tails() {
        for p in [1e-100, 1e-30, 1e-9, 0.001, 0.02425, 0.1, 0.4999, 0.5, 0.7, 0.999] {
            let z = normal_quantile(p);
            assert!((normal_upper(-z) / p - 1.0).abs() < 1e-11 * z.abs().max(1.0), "{p}: {z}");
            for degrees in [1.0, 2.5, 30.0, 1e7] {
                let t = student_quantile(degrees, p);
                let tail = student_two_sided(degrees, t) / 2.0;
                let lower = if t > 0.0 { 1.0 - tail } else { tail };
                assert!((lower / p - 1.0).abs() < 1e-11, "{p} with {degrees} degrees: {t}");
            }
        }
    }
}
