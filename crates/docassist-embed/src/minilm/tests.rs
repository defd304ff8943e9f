use std::sync::OnceLock;

use proptest::prelude::*;

use super::float::{exp, gelu_of};
use super::integer::{Linear, Quantised};
use super::*;
use crate::provided::folder;

fn model() -> Option<&'static MiniLm> {
    static MODEL: OnceLock<Option<MiniLm>> = OnceLock::new();
    MODEL.get_or_init(|| Some(MiniLm::open(&folder()?).unwrap())).as_ref()
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// Numbers that look like none, the same in every run.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next() * next()).collect()
}

/// The first eight of 384 numbers and the sum of all, by the model's definition in double precision (numpy, from the same
/// weights, tokens from the Python package `tokenizers`).
const REFERENCE: [(&str, [f32; 8], f32); 4] = [
    (
        "How do I restart a node?",
        [0.049502, -0.049395, -0.011095, 0.030001, 0.046675, 0.027177, -0.054625, -0.016367],
        -0.104283,
    ),
    ("", [-0.118838, 0.048299, -0.002548, -0.011011, 0.051951, 0.010292, 0.115433, 0.000701], 0.629072),
    (
        "Größe über naïve café 日本語 don't_panic(x+1)",
        [0.021744, 0.013404, 0.081806, -0.018584, -0.012346, 0.04639, 0.160527, -0.035144],
        -0.145920,
    ),
    (
        // Cut at 256 tokens.
        "the the",
        [0.012467, 0.065482, -0.019948, -0.01229, -0.075588, 0.071674, -0.043305, -0.041713],
        -0.706851,
    ),
];

#[test]
fn vectors_are_the_references() {
    let Some(model) = model() else { return };
    for (text, begin, sum) in REFERENCE {
        let text = if text == "the the" { "the ".repeat(600) } else { text.to_owned() };
        let vector = &model.embed(&[&text]).unwrap()[0];
        assert_eq!(vector.len(), 384);
        assert!((dot(vector, vector) - 1.0).abs() < 1e-5);
        for (found, expected) in vector.iter().zip(begin) {
            assert!((found - expected).abs() < 0.0015, "{text:.30}: {found} is not {expected}");
        }
        assert!((vector.iter().sum::<f32>() - sum).abs() < 0.01, "{text:.30}");
    }
}

#[test]
fn a_whole_vector_has_the_references_direction() {
    let Some(model) = model() else { return };
    let vector = &model.embed(&[WHOLE.0]).unwrap()[0];
    let expected: Vec<f32> = WHOLE.1.iter().map(|value| f32::from(*value)).collect();
    let cosine = dot(vector, &expected) / dot(&expected, &expected).sqrt();
    assert!(cosine > 0.9999, "{cosine}");
}

#[test]
fn what_belongs_together_is_near() {
    let Some(model) = model() else { return };
    let texts = [
        "How do I restart a node?",
        "To bring a server back up, run `systemctl restart` on the machine.",
        "The recipe asks for two eggs and a pinch of salt.",
    ];
    let vectors = model.embed(&texts).unwrap();
    assert!(dot(&vectors[0], &vectors[1]) > dot(&vectors[0], &vectors[2]) + 0.2);
}

#[test]
fn a_vector_does_not_depend_on_its_batch_nor_on_the_number_of_threads() {
    let Some(folder) = folder() else { return };
    let texts: Vec<String> =
        (0..60).map(|n| format!("text {n} {}", "of several words, ".repeat(n % 13 * n % 29))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let model = MiniLm::open(&folder).unwrap().with_threads(1);
    let alone: Vec<Vec<f32>> = texts.iter().map(|text| model.embed(&[text]).unwrap().remove(0)).collect();
    assert_eq!(model.embed(&texts).unwrap(), alone);
    assert_eq!(model.with_threads(5).embed(&texts).unwrap(), alone);
}

#[test]
fn hostile_text_takes_bounded_time_and_gives_a_vector() {
    let Some(model) = model() else { return };
    let texts = [
        "a".repeat(10_000_000),
        "a ".repeat(5_000_000),
        " ".repeat(10_000_000),
        "\0".repeat(10_000_000),
        "e\u{301}".repeat(3_000_000),
        "\u{301}".repeat(5_000_000),
        "漢".repeat(3_000_000),
        "[CLS]".repeat(2_000_000),
        "[".repeat(10_000_000),
        "\u{10ffff}\u{202e}\u{feff}\r\n\t\u{7}".to_owned(),
        "\u{fdfa}".repeat(1_000_000),
    ];
    for text in &texts {
        let begin = std::time::Instant::now();
        let vector = &model.embed(&[text]).unwrap()[0];
        assert!(vector.iter().all(|value| value.is_finite()));
        assert!((dot(vector, vector) - 1.0).abs() < 1e-4);
        assert!(model.count_tokens(text) <= MAX_TOKENS);
        assert!(begin.elapsed().as_secs() < 5, "{text:.5}… took {:?}", begin.elapsed());
    }
    assert!(model.embed(&[]).unwrap().is_empty());
}

#[test]
fn a_damaged_model_is_told_apart() {
    let place = tempfile::tempdir().unwrap();
    let error = MiniLm::open(place.path()).unwrap_err().to_string();
    assert!(error.contains("no embedding model in") && error.contains("vocab.txt is missing"), "{error}");
    std::fs::write(place.path().join(VOCABULARY_FILE), "[PAD]\n").unwrap();
    let error = MiniLm::open(place.path()).unwrap_err().to_string();
    assert!(error.contains(VOCABULARY_SHA256), "{error}");

    let Some(folder) = folder() else { return };
    std::fs::copy(folder.join(VOCABULARY_FILE), place.path().join(VOCABULARY_FILE)).unwrap();
    let error = MiniLm::open(place.path()).unwrap_err().to_string();
    assert!(error.contains("model.safetensors is missing"), "{error}");
    let good = std::fs::read(folder.join(WEIGHTS_FILE)).unwrap();
    let weights = place.path().join(WEIGHTS_FILE);
    let with = |bytes: &[u8]| {
        std::fs::write(&weights, bytes).unwrap();
        MiniLm::open(place.path()).unwrap_err().to_string()
    };
    let mut flipped = good.clone();
    flipped[50_000_000] ^= 1;
    let error = with(&flipped);
    assert!(error.contains(&format!("not {WEIGHTS_SHA256}")), "{error}");
    let error = with(&good[..50_000_000]);
    assert!(error.contains("is it cut off?"), "{error}");
    assert!(with(&good[..5]).contains("ends within its header"));
    assert!(with(b"").contains("after 0 bytes"));
    // As many numbers in another shape.
    let header = String::from_utf8_lossy(&good[8..9_000]).replacen("[30522,384]", "[384,30522]", 1);
    let mut other = good.clone();
    other[8..8 + 8_000].copy_from_slice(&header.as_bytes()[..8_000]);
    let error = with(&other);
    assert!(error.contains("word_embeddings.weight is of shape [384, 30522], not [30522, 384]"), "{error}");
}

#[test]
fn the_functions_are_near_enough() {
    struct Try(f32);
    impl pulp::WithSimd for Try {
        type Output = (f32, f32);
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, simd: S) -> (f32, f32) {
            let x = simd.splat_f32s(self.0);
            (simd.reduce_max_f32s(exp(simd, x)), simd.reduce_max_f32s(gelu_of(simd, x)))
        }
    }
    // Twelve digits of erf by its series.
    let erf = |x: f64| {
        let (mut sum, mut term) = (0.0, x);
        for n in 0..200 {
            sum += term / f64::from(2 * n + 1);
            term *= -x * x / f64::from(n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    };
    let (mut worst_exp, mut worst_gelu) = (0.0_f64, 0.0_f64);
    for step in -8_700..=8_800 {
        let x = step as f32 / 100.0;
        let (found, gelu) = pulp::Arch::new().dispatch(Try(x));
        let expected = f64::from(x).exp();
        worst_exp = worst_exp.max((f64::from(found) - expected).abs() / expected);
        let x = x / 20.0;
        let (_, gelu_here) = pulp::Arch::new().dispatch(Try(x));
        let expected = f64::from(x) * 0.5 * (1.0 + erf(f64::from(x) / std::f64::consts::SQRT_2));
        worst_gelu = worst_gelu.max((f64::from(gelu_here) - expected).abs());
        assert!(gelu.is_finite());
    }
    assert!(worst_exp < 2.4e-7 && worst_gelu < 6e-7, "{worst_exp:e} {worst_gelu:e}");
    for x in [f32::NEG_INFINITY, -1e30, f32::INFINITY, f32::NAN] {
        assert!(pulp::Arch::new().dispatch(Try(x)).0.is_finite());
    }
}

/// Whatever the numbers, both kernels give the same, and no sum overflows.
#[test]
fn the_two_integer_kernels_agree_and_are_near_the_product() {
    for (rows, inputs, outputs, seed) in [(1, 384, 16, 1), (6, 384, 384, 2), (13, 1536, 48, 3), (5, 32, 16, 4)] {
        let weight = noise(inputs * outputs, seed);
        let bias = noise(outputs, seed + 100);
        let values = noise(rows * inputs, seed + 200);
        let linear = Linear::new(&weight, &bias, inputs);
        let mut quantised = Quantised::default();
        quantised.fill(Arch::new(), &values, inputs);
        let mut fast = vec![0.0; rows * outputs];
        linear.apply(Arch::new(), &quantised, &mut fast);
        let mut plain = vec![0.0; rows * outputs];
        linear.apply(Arch::Scalar, &quantised, &mut plain);
        for (fast, plain) in fast.iter().zip(&plain) {
            assert!((fast - plain).abs() <= 1e-5 * plain.abs().max(1.0), "{fast} {plain}");
        }
        for row in 0..rows {
            for output in 0..outputs {
                let exact = dot(&values[row * inputs..][..inputs], &weight[output * inputs..][..inputs]) + bias[output];
                let found = fast[row * outputs + output];
                assert!((exact - found).abs() < 0.02, "{exact} {found}");
            }
        }
    }
    // The largest sum that there can be: everything at the limit.
    let linear = Linear::new(&vec![1.0; 1536 * 16], &[0.0; 16], 1536);
    let mut quantised = Quantised::default();
    quantised.fill(Arch::new(), &vec![-1.0; 1536], 1536);
    let mut out = vec![0.0; 16];
    linear.apply(Arch::new(), &quantised, &mut out);
    assert!(out.iter().all(|value| (value + 1536.0).abs() < 0.01), "{out:?}");
    // Nothing but zeros, and what is no number.
    for values in [vec![0.0; 1536], vec![f32::NAN; 1536], vec![f32::INFINITY; 1536], vec![f32::MIN_POSITIVE; 1536]] {
        quantised.fill(Arch::new(), &values, 1536);
        linear.apply(Arch::new(), &quantised, &mut out);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_text_becomes_a_vector_of_length_one(text in "\\PC{0,60}|[\\x00-\\x7f]{0,60}|.{0,40}") {
        if let Some(model) = model() {
            let vector = &model.embed(&[&text]).unwrap()[0];
            prop_assert!((dot(vector, vector) - 1.0).abs() < 1e-4);
        }
    }
}

/// A text and its vector by the same reference, rounded to thousandths of its largest number (cosine to the exact one: 0.9999996).
const WHOLE: (&str, [i16; 384]) = (
    "The orphaned-ticket analysis lists tickets without any commit; see docs/gaps.md and run `docassist gaps orphaned --days 30`.",
    [
        13, 242, -104, 83, 367, 58, -560, -247, 356, 373, 169, -215, 227, 15, -402, -357, -748, -691, -155, 0, -707,
        598, -184, 431, 152, 44, -163, -317, 55, 202, 79, 483, 209, 325, 739, 198, -76, 5, -150, -208, 321, 269, 169,
        264, 86, -24, -492, -451, -220, 253, -99, -104, 281, 378, -52, 461, -161, 253, -383, -71, 115, -7, -283, -250,
        -770, -130, 366, 214, 775, 370, 65, 209, -436, -61, -22, 518, 83, 287, 82, -555, -498, -671, -403, 90, 31, 66,
        19, 86, 97, -1, 5, -214, 449, -454, -17, -107, 208, 562, 191, 386, -230, 383, -163, 84, -7, 449, -369, -243,
        -134, -125, 129, -225, 427, 275, -72, 637, -150, -2, 32, -122, 67, -66, 162, -31, -867, -16, 191, 0, 134, -715,
        -755, -179, 385, 32, -206, -356, 233, 52, -281, 67, 343, -722, -121, 189, 210, 353, -359, 17, 103, 157, -80,
        -165, 198, 152, 199, -337, 166, 15, -320, 381, 127, 207, 297, 275, -62, -270, 186, -184, -449, -258, -302,
        -379, -133, -188, 516, -207, 1000, 512, 158, 51, -178, -325, -766, -213, 144, -22, 161, -301, 370, -187, 79,
        -66, 341, 167, -291, 96, 261, -256, 517, -40, -388, -15, 301, -481, 440, 141, 99, 246, 318, -330, -45, 149, 70,
        102, 187, 410, -388, -244, 84, 93, -506, 85, 512, 0, 87, -157, 10, -173, -68, -182, -312, 523, 574, -114, 64,
        116, 26, -62, -183, 9, 62, -404, -54, 383, 566, -175, -371, -134, -11, 264, 174, 78, -704, -262, 358, -301,
        -760, -365, 497, -400, 165, 270, -594, -116, -164, 190, 192, 137, 17, 143, -70, 216, 62, 151, -126, 262, 562,
        -49, -85, 114, 205, -89, 293, -10, 451, 257, -323, 215, -26, 78, -338, 131, -567, 453, 138, 395, -396, -158,
        264, 86, -600, -121, 95, -345, 163, 205, 105, -407, 138, -136, -242, -165, 104, 291, 118, -317, 9, -34, -393,
        0, 161, 416, -254, -307, 464, -743, -333, 700, -91, -41, 298, -320, -587, -46, -12, -268, -96, -164, -514,
        -225, -187, -32, -34, -364, -72, 333, 634, 703, 116, -597, 11, 201, 335, 106, 322, 413, 220, 7, -698, -31,
        -449, 317, 215, 185, 388, 5, -163, 155, 42, -620, 113, -98, -88, 311, -231, 61, 683, 159, 90, -383, 120, -50,
        94, 152,
    ],
);
