// Checks of single sections in the browser; browser.test.ts has those of the page as a whole.

import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {type Check, type Workshop, overflow, sections} from "./browser";
import {example_fidelity} from "./example_fidelity";
import {row_of_hosts} from "./example_figures";
import {example_study} from "./example_study";

export async function check_parts(workshop: Workshop, check: Check): Promise<void> {
  const full = workshop.report(workshop.fixtures);

  await check("the network's links and bottleneck are told", () => workshop.visit(full, {}, async (page) => {
    const text = await page.locator("#network").innerText();
    assert.match(text, /The busiest link is boreas\.down \(1\sGbit\/s\): in the mean \d+\s% of its capacity is in use/);
    assert.match(text, /most goes from ceres to boreas/);
    assert.match(text, /1\.5\s% of the critical path is spent on it/);
    assert.equal(await page.locator("#network svg.use").count(), 10);
    await page.locator("input[name=plan]").nth(1).click(); // of a single host: nothing is sent
    assert.equal(await page.locator("#network").count(), 0);
  }));

  await check("pictures and tables are saved, by keyboard too", () => workshop.visit(full, {}, async (page) => {
    const saved = async (section: string, item: RegExp): Promise<[string, Buffer]> => {
      const menu = page.locator(`#${section} .save`);
      if (!await menu.evaluate((element) => (element as HTMLDetailsElement).open)) {
        await menu.locator("summary").focus();
        await page.keyboard.press("Enter");
      }
      await menu.getByRole("button", {name: item}).focus();
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
      return [download.suggestedFilename(), readFileSync(await download.path())];
    };
    const [svg_name, svg] = await saved("graph", /as SVG/);
    assert.equal(svg_name, "synthetic-parish-graph-layers-of-multimodal-cnn.svg");
    assert.match(svg.toString(), /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg".*fill: rgb\(.*hs_conv1.*<\/svg>$/s);
    for (const [section, item] of [["graph", /as PNG/], ["timelines", /as PNG/], ["training", /^accuracy .* as PNG/i], ["map", /^map as PNG/], ["hosts", /^hosts as PNG/], ["network", /^use of links .* as PNG/]] as const) {
      const [name, png] = await saved(section, item);
      assert.match(name, /\.png$/);
      assert.equal(png.subarray(1, 4).toString(), "PNG");
      assert.ok(png.length > 500, `${section}: ${png.length} bytes`);
    }
    const [, strategies] = await saved("strategies", /as CSV/);
    assert.match(strategies.toString(), /^strategy,schedule,micro_batches,hosts,predicted_step_s,simulated_step_s,measured_step_s,.*\r\nauto,GPipe,4,boreas ceres atlas dione,0\.03/);
    const [, instructions] = await saved("timelines", /instructions as CSV/);
    assert.match(instructions.toString(), /\r\nsimulated,boreas,forward,1,0,,,/);
    const [, traffic] = await saved("network", /traffic between hosts as CSV/);
    assert.match(traffic.toString(), /\r\nboreas,0,0,332416,24576,356992\r\n/);
    const [, links] = await saved("network", /links as CSV/);
    assert.match(links.toString(), /\r\ndione\.up,0 0/);
    const [, confusion] = await saved("accuracy", /confusion matrix as CSV/i);
    assert.equal(confusion.toString().trim().split("\r\n").length, 7);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#accuracy .save").evaluate((element) => (element as HTMLDetailsElement).open), false);
  }));

  await check("the map is wiped over labels or picture, and seen through; areas and validation are told", () => workshop.visit(full, {}, async (page) => {
    const over = page.locator(".stack img").nth(1);
    const style = (name: "clipPath" | "opacity") => over.evaluate((image, of) => (image as HTMLElement).style[of as "opacity"], name);
    assert.match(await style("clipPath"), /^inset\(0(px)? 50% 0(px)? 0(px)?\)$/);
    await page.getByLabel("map up to").focus();
    await page.keyboard.press("ArrowLeft");
    assert.match(await style("clipPath"), / 51% /);
    await page.locator(".stack").scrollIntoViewIfNeeded();
    const box = await page.locator(".stack").boundingBox() as {x: number; y: number; width: number; height: number};
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.2, box.y + box.height / 2);
    await page.mouse.up();
    assert.match(await style("clipPath"), / 80% /);
    await page.getByLabel("opacity of the map").fill("40");
    assert.equal(await style("opacity"), "0.4");
    const back = page.locator(".stack img").first();
    const labels = await back.getAttribute("src");
    await page.getByLabel("behind the map").selectOption({label: "picture"});
    assert.notEqual(await back.getAttribute("src"), labels);
    assert.match(await page.locator(".areas").innerText(), /grass\s+0\.390\s+42\.3\s%\s+0\.\d+ ± 0\.00/);
    assert.match(await page.locator("#training").innerText(), /on 900 validation samples\. The weights after 210 steps were kept: overall accuracy 9\d\.\d\s%/);
  }));

  await check("a study's answers, sweeps and trade-offs are drawn", async () => {
    const file = workshop.report(workshop.written({"study.json": example_study()}));
    await workshop.visit(file, {}, async (page) => {
      assert.deepEqual(await sections(page), ["answers", "sweeps", "trade-offs", "simulated"]);
      assert.match(await page.locator("#answers").innerText(), /The best that meets the goal.*pipeline beats data-parallel below.*relative speed of node1.*−0\.95\s%.*no plan with less/s);
      const sweep = page.locator("#sweeps svg[role=img]");
      assert.match(await sweep.getAttribute("aria-label") ?? "", /pipeline is better below 324\sMbit\/s, data-parallel above/);
      assert.equal(await sweep.locator(".band").count(), 1);
      assert.equal(await sweep.locator(".marker").count(), 7);
      await page.locator("#sweeps select").selectOption({label: "traffic a step"});
      assert.match(await sweep.getAttribute("aria-label") ?? "", /^traffic a step by bandwidth/);
      const front = page.locator("#trade-offs svg[role=img]");
      assert.match(await front.getAttribute("aria-label") ?? "", /^traffic a step against step time, simulated: 7 plans\. Not bettered by any other: data-parallel at bandwidth 10\sGbit\/s \(40\.0\sms, 3\.00\sMB\); pipeline at bandwidth 1\sGbit\/s/);
      assert.deepEqual(await workshop.violations(page), []);
      await page.setViewportSize({width: 360, height: 800});
      assert.equal(await overflow(page), 0);
    });
  });

  await check("how near predictions come to runs is drawn, explained and saved", async () => {
    const file = workshop.report(workshop.written({"fidelity.json": example_fidelity()}));
    await workshop.visit(file, {}, async (page) => {
      assert.deepEqual(await sections(page), ["fidelity", "instruction-errors", "causes", "worst", "choices", "points"]);
      assert.match(await page.locator("h1").innerText(), /^Suite made-up: 4 of 5 points; the simulated step is off by 2\.5\s%/);
      const picture = page.locator("#fidelity svg[role=img]");
      assert.match(await picture.getAttribute("aria-label") ?? "", /4 points; 1 simulated and 3 of the cost model more than 10\s% off/);
      assert.equal(await picture.locator(".plan").count(), 8);
      assert.equal(await picture.locator(".plan.on-front").count(), 4); // held out
      assert.equal(await picture.locator(".tolerance").count(), 2);
      // On the diagonal, x and y are the same: the line runs from corner to corner.
      const ends = await picture.locator(".diagonal").evaluate((line) => ["x1", "y1", "x2", "y2"].map((name) => Number(line.getAttribute(name))));
      assert.ok(ends[0] < ends[2] && ends[1] > ends[3], ends.join());
      await picture.locator(".plan").last().hover();
      assert.match(await page.locator(".tooltip").innerText(), /measured .*ms.*simulated .*%/s);
      assert.match(await page.locator("#causes").innerText(), /what messages take\s+4\.0\s%\s+11\.0\s%\s+3\s+8\.0\s%\s+9\.0\s%\s+2\s+–\s+–\s+0/);
      assert.match(await page.locator("#worst").innerText(), /multimodal on two, batch 64, pipeline, 4 micro-batches.*−16\.7\s%.*The forward passes of stage 0 on node1 took 30 ms, not 27\..*disturbed/s);
      assert.match(await page.locator("#choices").innerText(), /single\s+-1\.00\s+33\.3\s%/);
      assert.match(await page.locator("#points").innerText(), /<b>no model<\/b>.*vgg on four, batch 32\s*held out/s); // as text
      assert.match(await page.locator("#points").innerText(), /node2 has 0\.50 of a processor, and computes at 0\.37 of one’s speed, beside the other hosts at 0\.35.*node3 has 0\.50 of 2 processors, and computes at 0\.61 of their speed.*node4 has 0\.25 of a processor, and was not profiled/s);
      await page.locator("#points .save summary").click();
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", {name: /points as CSV/}).click()]);
      const rows = readFileSync(await download.path()).toString().trim().split("\r\n");
      assert.equal(rows.length, 6);
      assert.match(rows[2], /^multimodal,two,64,false,"pipeline, 4 micro-batches",2,2,false,0\.02\d*,0\.06,0\.05,0\.048,425984,425984,/);
      assert.deepEqual(await workshop.violations(page), []);
      await page.setViewportSize({width: 360, height: 800});
      assert.equal(await overflow(page), 0);
    });
    await workshop.visit(file, {colorScheme: "dark"}, async (page) => assert.deepEqual(await workshop.violations(page), []));
  });

  await check("a thousand hosts are shown from the first on, with a picture of their traffic", async () => {
    const file = workshop.report(workshop.written(row_of_hosts(1000)));
    await workshop.visit(file, {}, async (page) => {
      assert.deepEqual(await sections(page), ["overview", "strategies", "timelines", "hosts", "network"]);
      await page.waitForSelector(".timelines[data-boxes]");
      assert.equal(await page.locator("#hosts .host").count(), 40);
      await page.getByRole("button", {name: "Show all 1\u202f000 hosts"}).click();
      assert.equal(await page.locator("#hosts .host").count(), 1000);
      assert.match(await page.locator("#strategies").innerText(), /node-11 .* and 988 other hosts/);
      assert.match(await page.locator(".traffic-picture").getAttribute("aria-label") ?? "", /^Traffic between 1\s000 hosts/);
      assert.equal(await page.locator("#network .links tbody tr").count(), 12);
      assert.deepEqual(await workshop.violations(page), []);
      await page.setViewportSize({width: 360, height: 800});
      await page.waitForFunction(() => document.documentElement.scrollWidth === document.documentElement.clientWidth);
    });
  });

  await check("one host has no network, and all else", async () => {
    await workshop.visit(workshop.report(workshop.written(row_of_hosts(1))), {}, async (page) => {
      assert.deepEqual(await sections(page), ["overview", "strategies", "timelines", "hosts"]);
      assert.match(await page.locator("h1").innerText(), /^Pipeline plan on 1 host: 1\.00\ss a step/);
    });
  });
}
