//! What a plan of a large tenant costs, end to end over loopback: `cargo run --release --example bench`.
//!
//! For each number of users a simulated tenant is made and served, and asked by `advaudit plan` and, in the same
//! run, by a client that does nothing but download the same pages and parse them as JSON into the same fields: the
//! floor. Prints requests, resource units, wall time, CPU, peak memory, and the ratios to the floor. With
//! `--writes` it applies instead: ten thousand enables and toggles against the published quotas, in virtual time.
//!
//! Not a timed test: numbers to compare side by side. The figures of processes are read from `/proc`, so this
//! is for Linux.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use clap::Parser;
use serde::Deserialize;
use serde_json::Value;

/// Measures plans of large tenants beside a bare download
#[derive(Parser)]
struct Args {
    /// How many users
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    users: Vec<u64>,
    /// How long the tenant takes for an answer, in milliseconds
    #[arg(long, value_delimiter = ',', default_value = "0,40")]
    latency: Vec<u64>,
    /// In how many lanes advaudit reads; 0 leaves that to it
    #[arg(long, value_delimiter = ',', default_value = "0")]
    lanes: Vec<u8>,
    /// How often each is measured; the median is printed
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Apply instead: writes against the published quotas
    #[arg(long)]
    writes: bool,
}

/// What this process is, where it was started by itself: advaudit, or the floor.
const ROLE: &str = "ADVAUDIT_BENCH_ROLE";

const MANIFEST: &str =
    "apiVersion: advaudit/v1\ntenant: contoso.onmicrosoft.com\nusers:\n  - all: licensed\n";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let done = match std::env::var(ROLE).as_deref() {
        Ok("advaudit") => return advaudit::cli::main(),
        Ok("floor") => floor(),
        _ => bench(&Args::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("manifest.yaml"), MANIFEST)?;
    if args.writes { writes(folder.path()) } else { reads(args, folder.path()) }
}

fn reads(args: &Args, folder: &Path) -> Outcome<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "| users | latency | lanes | requests | units | wall | floor's | ratio | CPU | floor's | ratio | peak memory |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )?;
    for &users in &args.users {
        let tenant = folder.join(format!("{users}.yaml"));
        let made = own("advaudit", folder)
            .args(["sandbox", "new", "-q", "--seed", "7", "--users", &users.to_string(), "--out"])
            .arg(&tenant)
            .status()?;
        if !made.success() {
            return Err("the tenant could not be made".into());
        }
        for &latency in &args.latency {
            let server = Served::start(&tenant, latency, folder)?;
            for &lanes in &args.lanes {
                let mut runs = Vec::new();
                for _ in 0..args.runs.max(1) {
                    runs.push((plan(&server.url, lanes, folder)?, download(&server.url, folder)?));
                }
                let median = |of: fn(&(Ran, Ran)) -> f64| {
                    let mut all: Vec<f64> = runs.iter().map(of).collect();
                    all.sort_by(f64::total_cmp);
                    all[all.len() / 2]
                };
                // CPU time is told in hundredths of a second, so it is the mean.
                let mean = |of: fn(&(Ran, Ran)) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
                let (wall, floor_wall) = (median(|run| run.0.wall), median(|run| run.1.wall));
                let (cpu, floor_cpu) = (mean(|run| run.0.cpu), mean(|run| run.1.cpu));
                let read = &runs[0].0.read;
                writeln!(
                    out,
                    "| {users} | {latency} ms | {} | {} | {} | {wall:.2} s | {floor_wall:.2} s | {:.2} | {cpu:.3} s | \
                     {floor_cpu:.3} s | {:.2} | {:.0} MB |",
                    if lanes == 0 { "auto".to_owned() } else { lanes.to_string() },
                    read.0,
                    read.1,
                    wall / floor_wall,
                    cpu / floor_cpu,
                    median(|run| run.0.peak_megabytes)
                )?;
                out.flush()?;
            }
        }
    }
    Ok(())
}

/// A simulated tenant on loopback, until it is dropped.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(tenant: &Path, latency: u64, folder: &Path) -> Outcome<Served> {
        let mut child = own("advaudit", folder)
            .args(["sandbox", "serve"])
            .arg(tenant)
            .args(["--port", "0", "--latency", &format!("{latency}ms")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.ok_or("it did not serve")?.trim_end_matches(';').to_owned();
        Ok(Served { child, url })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What a process took.
struct Ran {
    wall: f64,
    cpu: f64,
    peak_megabytes: f64,
    /// Requests and resource units, where it says so.
    read: (String, String),
}

fn own(role: &str, folder: &Path) -> Command {
    let itself = std::env::current_exe().unwrap_or_else(|_| "bench".into());
    let mut command = Command::new(itself);
    command.env(ROLE, role).env("ADVAUDIT_ACCESS_TOKEN", "any").env_remove("CI").current_dir(folder);
    command
}

fn plan(url: &str, lanes: u8, folder: &Path) -> Outcome<Ran> {
    let mut command = own("advaudit", folder);
    command.args(["plan", "manifest.yaml", "-v", "--graph-url", url, "--state", "state"]);
    if lanes > 0 {
        command.args(["--lanes", &lanes.to_string()]);
    }
    let (mut ran, told) = measured(command.stdout(Stdio::null()).stderr(Stdio::piped()))?;
    let line = told.lines().find(|line| line.starts_with("Read the tenant in")).ok_or(told.clone())?;
    let mut numbers =
        line.split_whitespace().filter(|word| word.starts_with(|char: char| char.is_ascii_digit()));
    ran.read = (numbers.next().unwrap_or("?").to_owned(), numbers.next().unwrap_or("?").to_owned());
    Ok(ran)
}

fn download(url: &str, folder: &Path) -> Outcome<Ran> {
    let mut command = own("floor", folder);
    command.env("ADVAUDIT_BENCH_URL", url).stdout(Stdio::null()).stderr(Stdio::piped());
    let (ran, told) = measured(&mut command)?;
    if told.is_empty() { Ok(ran) } else { Err(told.into()) }
}

/// Runs a process to its end and looks at it meanwhile.
fn measured(command: &mut Command) -> Outcome<(Ran, String)> {
    #[expect(clippy::disallowed_methods, reason = "how long a process takes is about real time")]
    let began = std::time::Instant::now();
    let mut child = command.spawn()?;
    let stderr = child.stderr.take().ok_or("no output")?;
    let telling = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default());
    let (mut peak, before) = (0.0_f64, cpu_of_children()?);
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = kilobytes.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0.0) / 1024.0);
        let has_ended = status.lines().any(|line| line.starts_with("State:") && line.contains('Z'));
        if has_ended {
            break;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a process outside cannot be waited for in another way"
        )]
        std::thread::sleep(Duration::from_millis(2));
    }
    let wall = began.elapsed().as_secs_f64();
    let status = child.wait()?;
    let told = telling.join().unwrap_or_default();
    if !status.success() {
        return Err(format!("{status}: {told}").into());
    }
    let cpu = cpu_of_children()? - before;
    Ok((Ran { wall, cpu, peak_megabytes: peak, read: Default::default() }, told))
}

/// What all children that were waited for have taken, in seconds.
fn cpu_of_children() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(13) + ticks(14)) / 100.0)
}

/// A page as a client that only downloads would take it in.
#[derive(Deserialize)]
struct Page {
    value: Vec<User>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsing them is what is measured")]
struct User {
    id: String,
    user_principal_name: String,
    usage_location: Option<String>,
    license_assignment_states: Vec<State>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsing them is what is measured")]
struct State {
    sku_id: String,
    disabled_plans: Vec<String>,
    assigned_by_group: Option<String>,
    state: String,
    error: Option<String>,
    last_updated_date_time: Option<String>,
}

/// Downloads whoever holds a license with the service plan, and parses it.
fn floor() -> Outcome<()> {
    const SERVICE_PLAN: &str = "2f442157-a11c-46b9-ae5b-6e39ff4e5849";
    let root = std::env::var("ADVAUDIT_BENCH_URL")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        let get = |url: String| client.get(url).bearer_auth("any").send();
        let skus: Value =
            serde_json::from_slice(&get(format!("{root}/v1.0/subscribedSkus")).await?.bytes().await?)?;
        let holds = |sku: &&Value| {
            sku["servicePlans"].as_array().is_some_and(|plans| plans.iter().any(|plan| plan["servicePlanId"] == SERVICE_PLAN))
        };
        let clauses: Vec<String> = skus["value"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(holds)
            .filter_map(|sku| Some(format!("assignedLicenses/any(a:a/skuId%20eq%20{})", sku["skuId"].as_str()?)))
            .collect();
        let mut url = format!(
            "{root}/v1.0/users?$top=999&$select=id,userPrincipalName,usageLocation,licenseAssignmentStates&$filter={}",
            clauses.join("%20or%20")
        );
        let mut users = 0;
        loop {
            let page: Page = serde_json::from_slice(&get(url).await?.bytes().await?)?;
            users += std::hint::black_box(page.value).len();
            match page.next {
                Some(next) => url = next,
                None => break,
            }
        }
        if users == 0 { Err("nobody came".into()) } else { Ok(()) }
    })
}

/// Ten thousand enables, and ten thousand toggles with all of them and with a tenth of them off at once.
fn writes(folder: &Path) -> Outcome<()> {
    const USERS: u64 = 10_000;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "| what | writes | repeated | took | at the least | of the quota or room | CPU |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )?;
    // (name, how many are off, the manifest's toggle and date, the least seconds it can take)
    let quota = |writes: u64| writes as f64 / 20.0;
    let hour = 3600.0;
    for (name, off, max_off, least) in [
        ("enable", USERS, None, quota(USERS)),
        ("toggle, all at once", 0, Some("100%"), quota(USERS) + hour),
        ("toggle, a tenth at once", 0, Some("10%"), 10.0 * hour + quota(USERS / 10)),
    ] {
        let tenant = format!(
            "tenant: {{id: 8a9b0c1d-0000-4000-8000-000000000001, domain: contoso.onmicrosoft.com}}\n\
             now: 2026-11-22T09:00:00Z\n\
             quota: {{units: {{most: 8000, every: 10s}}, writes: {{most: 3000, every: 150s}}}}\n\
             licenses: [SPE_E5]\n\
             generate: {{users: {USERS}, license: SPE_E5, off: {off}, since: 2026-01-01T00:00:00Z}}\n"
        );
        let date = max_off.map(|most| {
            let date = "\n    toggleIfEnabledBefore: 2026-11-20T00:00:00Z\n";
            format!("{date}limits: {{toggle: 100%}}\ntoggle: {{maxOff: {most}}}\n")
        });
        std::fs::write(folder.join("tenant.yaml"), tenant)?;
        std::fs::write(folder.join("manifest.yaml"), format!("{MANIFEST}{}", date.unwrap_or_default()))?;
        let mut command = own("advaudit", folder);
        command.args([
            "apply",
            "manifest.yaml",
            "--auto-approve",
            "--json",
            "-q",
            "--sandbox",
            "tenant.yaml",
        ]);
        command.args(["--sandbox-reset", "--state", "state"]);
        let document = folder.join("run.json");
        command.stdout(std::fs::File::create(&document)?).stderr(Stdio::piped());
        let (ran, _) = measured(&mut command)?;
        let run: Value = serde_json::from_str(&std::fs::read_to_string(&document)?)?;
        let number = |name: &str| run[name]["actual"].as_f64().unwrap_or(f64::NAN);
        let wanted = if off > 0 { USERS } else { 2 * USERS } as f64;
        writeln!(
            out,
            "| {name} | {} | {:.2} % | {} s | {least} s | {:.1} % | {:.1} s |",
            number("writes"),
            (number("writes") - wanted) / wanted * 100.0,
            number("seconds"),
            least / number("seconds") * 100.0,
            ran.cpu
        )?;
        out.flush()?;
    }
    Ok(())
}
