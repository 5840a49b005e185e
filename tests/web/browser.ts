// A headless Chromium for the tests of the page, driven by Playwright. A page that complains or
// asks for anything beyond itself fails the test that opened it.

import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import path from "node:path";
import type {Browser, BrowserContextOptions, Page} from "playwright-core";

function find_browser(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const places = (process.env.PATH ?? "").split(":");
  return names.flatMap((name) => places.map((place) => path.join(place, name))).find(existsSync);
}

/// What a test may ask for, from `TEST.mjs WRITE_REPORT FIXTURES WEB`.
export class Workshop {
  private constructor(private readonly browser: Browser, private readonly write_report: string, readonly fixtures: string,
                      private readonly web: string, readonly directory: string) {}

  private number = 0;

  /// Undefined when there is no browser.
  static async open(): Promise<Workshop | undefined> {
    const [write_report, fixtures, web] = process.argv.slice(2);
    const executablePath = find_browser();
    if (!executablePath) return undefined;
    const {chromium} = createRequire(path.join(web, "package.json"))("playwright-core") as typeof import("playwright-core");
    const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"];
    return new Workshop(await chromium.launch({executablePath, args}), write_report, fixtures, web, mkdtempSync(path.join(tmpdir(), "cadastre-browser-")));
  }

  async close(): Promise<void> {
    await this.browser.close();
    rmSync(this.directory, {recursive: true, force: true, maxRetries: 5});
  }

  /// A report of what `cadastre report` is given.
  report(...inputs: string[]): string {
    const file = path.join(this.directory, `report-${++this.number}.html`);
    execFileSync(this.write_report, [file, ...inputs], {stdio: "inherit"});
    return file;
  }

  /// Writes documents by name below a new directory, and returns it.
  written(documents: {[name: string]: object}): string {
    const directory = path.join(this.directory, `input-${++this.number}`);
    for (const [name, document] of Object.entries(documents)) {
      const file = path.join(directory, name);
      mkdirSync(path.dirname(file), {recursive: true});
      writeFileSync(file, JSON.stringify(document));
    }
    return directory;
  }

  /// The viewer without data, as it is installed.
  viewer(): string {
    const file = path.join(this.directory, `viewer-${++this.number}.html`);
    const page = readFileSync(this.report(path.join(this.fixtures, "cluster.json")), "utf8");
    writeFileSync(file, page.replace(/(<script type="application\/json" id="cadastre-data">).*?(<\/script>)/s, "$1null$2"));
    return file;
  }

  /// Opens `file` from disk, lets `act` do what it likes there, and holds the page to its promises.
  async visit<T>(file: string, options: BrowserContextOptions, act: (page: Page) => Promise<T>): Promise<T> {
    const context = await this.browser.newContext({viewport: {width: 1280, height: 900}, reducedMotion: "reduce", ...options});
    context.setDefaultTimeout(10_000);
    const complaints: string[] = [];
    try {
      const page = await context.newPage();
      page.on("console", (message) => void (["error", "warning"].includes(message.type()) && complaints.push(message.text())));
      page.on("pageerror", (error) => void complaints.push(String(error.stack)));
      page.on("request", (request) => void (/^(data|blob):/.test(request.url()) || request.url() === `file://${file}` || complaints.push(`asked for ${request.url()}`)));
      await page.goto(`file://${file}`);
      await page.waitForSelector("#report h1");
      const result = await act(page);
      assert.deepEqual(complaints, [], `complaints of ${file}`);
      return result;
    } finally {
      await context.close();
    }
  }

  /// What axe-core finds against the page, of the WCAG 2.2 A and AA rules: a line each.
  async violations(page: Page): Promise<string[]> {
    await page.evaluate(readFileSync(path.join(this.web, "node_modules/axe-core/axe.min.js"), "utf8"));
    return page.evaluate(async () => {
      const {axe} = window as unknown as {axe: {run: (root: Document, options: object) => Promise<{violations: {id: string; nodes: {html: string; failureSummary: string}[]}[]}>}};
      const {violations} = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
      return violations.flatMap(({id, nodes}) => nodes.map(({html, failureSummary}) => `${id}: ${html.slice(0, 160)} ${failureSummary}`));
    });
  }
}

export type Check = (name: string, body: () => Promise<void>) => Promise<void>;

/// Runs the checks in turn; exit status 77 where there is no browser.
export async function with_workshop(checks: (workshop: Workshop, check: Check) => Promise<void>): Promise<void> {
  const workshop = await Workshop.open();
  if (!workshop) {
    console.log("skipped: no Chromium on the PATH (Debian: apt install chromium)");
    process.exit(77);
  }
  try {
    await checks(workshop, async (name, body) => {
      await body().catch((error: Error) => {
        error.message = `${name}: ${error.message}`;
        throw error;
      });
      console.log(`ok: ${name}`);
    });
  } finally {
    await workshop.close();
  }
}

/// The sections that are there, in order.
export const sections = (page: Page) => page.locator("section").evaluateAll((all) => all.map(({id}) => id));
/// By how many pixels the page is wider than its window.
export const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
