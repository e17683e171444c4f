//! Which properties the types have: what `$select` accepts and what comes without it.

/// The properties of one type.
#[derive(Debug)]
pub struct Properties {
    /// `microsoft.graph.user`
    pub kind: &'static str,
    /// Shown without `$select` (GRAPH 2.1).
    pub default: &'static [&'static str],
    /// Shown only with `$select`.
    pub further: &'static [&'static str],
    /// Of those: lists, which are empty rather than null.
    pub lists: &'static [&'static str],
    /// Of those: not in a list of objects.
    pub single_only: &'static [&'static str],
}

impl Properties {
    /// Whether the type has it.
    pub fn has(&self, name: &str) -> bool {
        self.default.contains(&name) || self.further.contains(&name)
    }
}

/// `microsoft.graph.user`, without navigation properties.
pub const USER: Properties = Properties {
    kind: "microsoft.graph.user",
    default: &[
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    ],
    further: &[
        "aboutMe",
        "accountEnabled",
        "ageGroup",
        "assignedLicenses",
        "assignedPlans",
        "birthday",
        "city",
        "companyName",
        "consentProvidedForMinor",
        "country",
        "createdDateTime",
        "creationType",
        "deletedDateTime",
        "department",
        "employeeHireDate",
        "employeeId",
        "employeeType",
        "externalUserState",
        "faxNumber",
        "hireDate",
        "identities",
        "imAddresses",
        "interests",
        "isManagementRestricted",
        "isResourceAccount",
        "lastPasswordChangeDateTime",
        "legalAgeGroupClassification",
        "licenseAssignmentStates",
        "mailNickname",
        "mailboxSettings",
        "mySite",
        "onPremisesDistinguishedName",
        "onPremisesDomainName",
        "onPremisesImmutableId",
        "onPremisesLastSyncDateTime",
        "onPremisesSamAccountName",
        "onPremisesSyncEnabled",
        "onPremisesUserPrincipalName",
        "otherMails",
        "passwordPolicies",
        "pastProjects",
        "postalCode",
        "preferredDataLocation",
        "preferredName",
        "provisionedPlans",
        "proxyAddresses",
        "responsibilities",
        "schools",
        "securityIdentifier",
        "showInAddressList",
        "skills",
        "state",
        "streetAddress",
        "usageLocation",
        "userType",
    ],
    lists: &[
        "businessPhones",
        "identities",
        "imAddresses",
        "interests",
        "otherMails",
        "pastProjects",
        "proxyAddresses",
        "responsibilities",
        "schools",
        "skills",
    ],
    single_only: &[
        "aboutMe",
        "birthday",
        "hireDate",
        "interests",
        "mailboxSettings",
        "mySite",
        "pastProjects",
        "preferredName",
        "responsibilities",
        "schools",
        "skills",
    ],
};

/// `microsoft.graph.group`, without navigation properties (GRAPH 5.1).
pub const GROUP: Properties = Properties {
    kind: "microsoft.graph.group",
    default: &[
        "classification",
        "createdDateTime",
        "deletedDateTime",
        "description",
        "displayName",
        "expirationDateTime",
        "groupTypes",
        "id",
        "isAssignableToRole",
        "mail",
        "mailEnabled",
        "mailNickname",
        "membershipRule",
        "membershipRuleProcessingState",
        "onPremisesLastSyncDateTime",
        "onPremisesSecurityIdentifier",
        "onPremisesSyncEnabled",
        "preferredDataLocation",
        "preferredLanguage",
        "proxyAddresses",
        "renewedDateTime",
        "securityEnabled",
        "securityIdentifier",
        "theme",
        "visibility",
    ],
    further: &["assignedLicenses", "isManagementRestricted", "licenseProcessingState"],
    lists: &["groupTypes", "proxyAddresses"],
    single_only: &[],
};

/// `microsoft.graph.organization` (GRAPH 6).
pub const ORGANIZATION: Properties = Properties {
    kind: "microsoft.graph.organization",
    default: &[
        "id",
        "displayName",
        "countryLetterCode",
        "defaultUsageLocation",
        "tenantType",
        "verifiedDomains",
        "onPremisesSyncEnabled",
        "assignedPlans",
        "createdDateTime",
    ],
    further: &[],
    lists: &["assignedPlans"],
    single_only: &[],
};

/// `microsoft.graph.subscribedSku` (GRAPH 6).
pub const SUBSCRIBED_SKU: Properties = Properties {
    kind: "microsoft.graph.subscribedSku",
    default: &[
        "accountId",
        "accountName",
        "appliesTo",
        "capabilityStatus",
        "consumedUnits",
        "id",
        "prepaidUnits",
        "servicePlans",
        "skuId",
        "skuPartNumber",
        "subscriptionIds",
    ],
    further: &[],
    lists: &[],
    single_only: &[],
};

/// `microsoft.graph.licenseDetails` (GRAPH 3.4).
pub const LICENSE_DETAILS: Properties = Properties {
    kind: "microsoft.graph.licenseDetails",
    default: &["id", "servicePlans", "skuId", "skuPartNumber"],
    further: &[],
    lists: &[],
    single_only: &[],
};
