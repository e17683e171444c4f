//! How people were read, and what other ways would have cost: for whoever asks with `-v`.

use super::super::words::{count, number};
use crate::graph::Spent;
use crate::observe::ways::{Chosen, Price, Way};

/// A line for each choice, and one for what reading took in all; of one tenant of several each says which.
pub fn render(chosen: &[Chosen], spent: Spent, tenant: Option<&str>) -> String {
    let mut lines: Vec<String> = chosen.iter().filter_map(one).collect();
    let requests = count(usize::try_from(spent.requests).unwrap_or(usize::MAX), "request", "requests");
    lines.push(format!("Read the tenant in {requests}, {} resource units.", number(spent.resource_units)));
    if let Some(tenant) = tenant {
        lines.iter_mut().for_each(|line| line.insert_str(0, &format!("{tenant}: ")));
    }
    lines.join("\n")
}

fn one(chosen: &Chosen) -> Option<String> {
    let (first, others) = chosen.prices.split_first()?;
    let mut line = format!("Reading {}: {}, {}", chosen.whom, first.way, units(first));
    for other in others {
        line.push_str(&format!("; not {}, {}", other.way, units(other)));
    }
    line.push('.');
    Some(line)
}

fn units(price: &Price) -> String {
    let about = match price.way {
        // How many users there are shows only at the end.
        Way::Everyone => "at least",
        Way::Filters | Way::Holders => "about",
    };
    let word = if price.units == 1 { "unit" } else { "units" };
    format!("{about} {} resource {word}", number(price.units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_says_what_was_taken_what_it_costs_and_what_else_there_was() {
        let price = |way, units| Price { way, units };
        let chosen = Chosen {
            whom: "10000 users declared by name".into(),
            prices: vec![price(Way::Holders, 335), price(Way::Filters, 667)],
        };
        let spent = Spent { requests: 310, resource_units: 1_312, writes: 0 };
        assert_eq!(
            render(&[chosen], spent, None),
            "Reading 10000 users declared by name: from the list of those who hold a license with the service \
             plan, about 335 resource units; not one by one, fifteen to a filter, about 667 resource units.\n\
             Read the tenant in 310 requests, 1,312 resource units."
        );
    }
}
