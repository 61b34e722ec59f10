use super::Hazard;

/// Segregation after the general table of the IMDG Code, chapter 7.2.4, simplified to one question: may two classes lie in
/// the same location? `X` says yes; 1 ("away from") to 4 ("separated longitudinally") say no; `*` is decided there by
/// compatibility groups, which we do not know, so only one and the same division lies together. Where editions of the table
/// differ, the stricter value stands. The table is symmetric: row i holds its figures against rows 0 to i, in the order
/// 1.1 1.2 1.5 | 1.3 1.6 | 1.4 | 2.1 | 2.2 | 2.3 | 3 | 4.1 | 4.2 | 4.3 | 5.1 | 5.2 | 6.1 | 6.2 | 7 | 8 | 9.
///
/// Not compared with the current edition yet: check it against yours before goods depend on it. The table governs transport
/// by sea; a site's permit may ask for more. Goods without a class are not restricted.
const SEGREGATION: [&str; 17] = [
    "*",
    "**",
    "***",
    "442X",
    "221XX",
    "221XXX",
    "442212X",
    "4321XXXX",
    "43221221X",
    "4422X22X1X",
    "4422XX2122X",
    "44221222222X",
    "22XXXXXX1X11X",
    "4444223332331X",
    "222211222212X3X",
    "4221XXX11122X32X",
    "XXXXXXXXXXXXXXXXX",
];

impl Hazard {
    /// Reads a class as people write it: `3`, `Class 2.1`, `1.4S`. What it cannot read is [`Hazard::Unlisted`], which is kept
    /// apart, so that an unknown class is never the unsafe one.
    pub fn from_class(text: &str) -> Self {
        let upper = text.trim().to_ascii_uppercase();
        let bare = upper.strip_prefix("CLASS").unwrap_or(&upper).trim();
        let division = if bare.starts_with("1.") { bare.trim_end_matches(|c: char| c.is_ascii_uppercase()) } else { bare };
        Self::ALL.iter().copied().find(|hazard| hazard.as_str() == division).unwrap_or(Self::Unlisted)
    }

    /// Whether two different items of these classes may lie in one location.
    pub fn may_lie_with(self, other: Self) -> bool {
        let (Some(one), Some(two)) = (self.row(), other.row()) else { return false };
        match SEGREGATION[one.max(two)].as_bytes()[one.min(two)] {
            b'X' => true,
            b'*' => self == other,
            _ => false,
        }
    }

    fn row(self) -> Option<usize> {
        Some(match self {
            Self::Explosive11 | Self::Explosive12 | Self::Explosive15 => 0,
            Self::Explosive13 | Self::Explosive16 => 1,
            Self::Explosive14 => 2,
            Self::Unlisted => return None,
            later => later as usize - 3,
        })
    }

    pub(super) fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The bits of all classes that may not lie with this one.
    pub(super) fn conflicts(self) -> u32 {
        Self::ALL.iter().filter(|other| !self.may_lie_with(**other)).map(|other| other.bit()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_as_published() {
        let of = Hazard::from_class;
        for (one, two, together) in [
            ("3", "3", true),
            ("3", "5.1", false),
            ("3", "8", true),
            ("2.1", "2.2", true),
            ("2.1", "8", false),
            ("4.3", "8", false),
            ("6.1", "3", true),
            ("6.1", "5.1", false),
            ("6.2", "7", false),
            ("9", "1.1", true),
            ("1.1", "1.1", true),
            ("1.1", "1.2", false),
            ("1.4", "6.1", true),
            ("7", "6.1", true),
            ("8", "7", false),
        ] {
            assert_eq!(of(one).may_lie_with(of(two)), together, "{one} with {two}");
            assert_eq!(of(two).may_lie_with(of(one)), together, "{two} with {one}");
        }
        for (row, figures) in SEGREGATION.iter().enumerate() {
            assert_eq!(figures.len(), row + 1);
            assert!(figures.ends_with(if row < 3 { '*' } else { 'X' }));
        }
        assert_eq!(Hazard::Miscellaneous.row(), Some(16));
        assert_eq!(Hazard::FlammableGas.row(), Some(3));
    }

    #[test]
    fn a_class_is_read_as_people_write_it() {
        assert_eq!(Hazard::from_class(" class 2.1 "), Hazard::FlammableGas);
        assert_eq!(Hazard::from_class("1.4S"), Hazard::Explosive14);
        assert_eq!(Hazard::from_class("2"), Hazard::Unlisted);
        assert_eq!(Hazard::from_class("whatever"), Hazard::Unlisted);
        assert!(!Hazard::Unlisted.may_lie_with(Hazard::Unlisted));
        assert!(!Hazard::Unlisted.may_lie_with(Hazard::Miscellaneous));
    }
}
