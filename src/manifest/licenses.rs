//! The licenses known to hold the service plan, for a hint before any tenant is asked.
//!
//! Only `check` uses this list, and only to warn: which licenses really hold the service plan is
//! read from the tenant. Taken from Microsoft's "Product names and service plan identifiers for
//! licensing" (July 2026): every row with `M365_ADVANCED_AUDITING`.

/// Part numbers, each with its product's name.
#[rustfmt::skip] // it would set the names in ragged columns
pub(super) const PART_NUMBERS: &[&str] = &[
    "DEVELOPERPACK_E5", // Microsoft 365 E5 Developer (without Windows and Audio Conferencing)
    "ENTERPRISEPREMIUM", // Office 365 E5
    "ENTERPRISEPREMIUM_FACULTY", // Office 365 A5 for faculty
    "ENTERPRISEPREMIUM_GOV", // Office 365 G5 GCC
    "ENTERPRISEPREMIUM_NOPBIPBX_GOV", // Office 365 GCC G5 without Power BI and Phone System
    "ENTERPRISEPREMIUM_NOPSTNCONF", // Office 365 E5 Without Audio Conferencing
    "ENTERPRISEPREMIUM_NOPSTNCONF_NOPBI_GOV", // Office 365 GCC G5 without Audio Conferencing
    "ENTERPRISEPREMIUM_STUDENT", // Office 365 A5 for students
    "EQUIVIO_ANALYTICS_GOV", // Office 365 Advanced Compliance for GCC
    "INFORMATION_PROTECTION_COMPLIANCE", // Microsoft 365 E5 Compliance
    "M365EDU_A5_FACULTY", // Microsoft 365 A5 for faculty
    "M365EDU_A5_STUDENT", // Microsoft 365 A5 for Students
    "M365_G5_GCC", // Microsoft 365 GCC G5
    "M365_G5_GOV", // Microsoft 365 GCC G5 w/o WDATP/CAS Unified
    "M365_SECURITY_COMPLIANCE_FOR_FLW", // Microsoft 365 Security and Compliance for Firstline Workers
    "MICROSOFT_365_E7", // Microsoft 365 E7
    "Microsoft_365_E5", // Microsoft 365 E5 (500 seats min)_HUB
    "Microsoft_365_E5_(no_Teams)", // Microsoft 365 E5 (no Teams)
    "Microsoft_365_E5_EEA_(no_Teams)_with_Calling_Minutes", // Microsoft 365 E5 EEA (no Teams) with Calling Minutes
    "Microsoft_365_E5_EEA_(no_Teams)_without_Audio_Conferencing", // Microsoft 365 E5 EEA (no Teams) without Audio Conferencing
    "Microsoft_365_E5_EEA_(no_Teams)_without_Audio_Conferencing_(500_seats_min)_HUB", // Microsoft 365 E5 EEA (no Teams) without Audio Conferencing (500 seats min)_HUB
    "Microsoft_365_E5_without_Audio_Conferencing", // Microsoft 365 E5 without Audio Conferencing (500 seats min)_HUB
    "O365_w/o_Teams_Bundle_M5", // Microsoft 365 E5 EEA (no Teams)
    "O365_w/o_Teams_Bundle_M5_(500_seats_min)_HUB", // Microsoft 365 E5 EEA (no Teams) (500 seats min)_HUB
    "Office_365_E5_EEA_(no_Teams)_without_Audio_Conferencing", // Office 365 E5 EEA (no Teams) without Audio Conferencing
    "Office_365_w/o_Teams_Bundle_E5", // Office 365 E5 EEA (no Teams)
    "SPE_E5", // Microsoft 365 E5
    "SPE_E5_CALLINGMINUTES", // Microsoft 365 E5 with Calling Minutes
    "SPE_E5_NOPSTNCONF", // Microsoft 365 E5 without Audio Conferencing
    "SPE_E5_USGOV_GCCHIGH", // Microsoft 365 E5_USGOV_GCCHIGH
    "SPE_F5_COMP", // Microsoft 365 F5 Compliance Add-on
    "SPE_F5_COMP_AR_D_USGOV_DOD", // Microsoft 365 F5 Compliance Add-on AR (DOD)_USGOV_DOD
    "SPE_F5_COMP_AR_USGOV_GCCHIGH", // Microsoft 365 F5 Compliance Add-on AR_USGOV_GCCHIGH
    "SPE_F5_COMP_GCC", // Microsoft 365 F5 Compliance Add-on GCC
    "SPE_F5_SECCOMP", // Microsoft 365 F5 Security + Compliance Add-on
];

/// Whether a license with that part number is known to hold the service plan. Compared without
/// regard to case, as the tenant's own list is.
pub(super) fn is_known(part_number: &str) -> bool {
    PART_NUMBERS.iter().any(|known| known.eq_ignore_ascii_case(part_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_do_not_matter() {
        assert!(is_known("spe_e5"));
        assert!(!is_known("SPE_E3"));
    }
}
