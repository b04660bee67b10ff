// Prices the same random usages with llmcost and with an independent calculator, and demands a reason for every difference.
//
//   node compare.mjs <command that starts llmcost, and its arguments> [--write differences.json]
//
// A usage that costs the same is done. Otherwise both costs are taken apart by kind: every kind whose rates differ must stand in explained.json with exactly
// these two rates, and what those rates do not account for is a difference in the arithmetic itself, which nothing can excuse. An entry that no longer
// explains anything fails as well.
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { AT, names, partOf, price } from "./oracle.mjs";
import { Random, usages } from "./usages.mjs";

const SEED = 20260822;
const LEAST = 5_000;

// Beside those that try every kind alone. Not an option: which rates meet depends on it, and explained.json lists exactly those.
const PER_NAME = 4;

// A nano-dollar is our rounding; the oracle adds doubles, whose error is relative.
const same = (ours, theirs) => Math.abs(ours - theirs) <= 1 + 1e-12 * Math.max(ours, theirs);

// What our book calls the oracle's sellers, where the names differ. A price of another seller is not compared: what a maker asks says nothing about a reseller.
const SELLERS = {
  aws: ["bedrock"], azure: ["azure", "azure-ai"], google: ["google", "vertex"], moonshotai: ["moonshot"], voyageai: ["voyage"], "x-ai": ["xai"], zai: ["zhipu"], zhipuai: ["zhipu-cn"],
};
const sellersOf = (provider) => SELLERS[provider] ?? [provider];

const FIELDS = {
  cached: "cached_input_tokens", write5m: "cache_write_5m_tokens", write1h: "cache_write_1h_tokens", audio: "input_audio_tokens", cachedAudio: "cached_audio_tokens",
  image: "input_image_tokens", reasoning: "reasoning_tokens", outputAudio: "output_audio_tokens", outputImage: "output_image_tokens", webSearches: "web_searches",
};

const PARTS = {
  input: "input", cached: "cached_input", write5m: "cache_write_5m", write1h: "cache_write_1h", audio: "input_audio", cachedAudio: "cached_audio", image: "input_image",
  output: "output", reasoning: "reasoning", outputAudio: "output_audio", outputImage: "output_image", webSearches: "web_search",
};

const { command, writeTo } = read(process.argv.slice(2));
const explained = JSON.parse(await readFile(new URL("explained.json", import.meta.url), "utf8"));
const cases = await ask();
const answers = await ours(cases);

const models = new Map();
const seen = new Map();
const broken = [];
let compared = 0;
let equal = 0;
for (let i = 0; i < cases.length; i++) {
  judge(cases[i], answers[i]);
}
forgetFallbacks();
process.exitCode = report() ? 0 : 1;
if (writeTo) {
  await writeFile(writeTo, JSON.stringify([...seen.values()], null, 1));
}

async function ask() {
  const random = new Random(SEED);
  const all = [];
  for (const pair of await names()) {
    for (const usage of usages(random, PER_NAME, pair.bills)) {
      all.push({ pair, usage });
    }
  }
  return all;
}

/** One process answers all of them, so the contract is exercised too: a line in, a line out, in order. */
async function ours(questions) {
  const [file, ...args] = command;
  const child = spawn(file, [...args, "price", "--jsonl"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  const lines = [];
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(JSON.parse(line));
    }
  })();
  for (let i = 0; i < questions.length; i++) {
    if (!child.stdin.write(`${JSON.stringify(question(i, questions[i]))}\n`)) {
      await new Promise((resolve) => child.stdin.once("drain", resolve));
    }
  }
  child.stdin.end();
  await reading;
  const code = await ended;
  if (code !== 0 || lines.length !== questions.length || lines.some((line, i) => line.id !== i)) {
    throw new Error(`llmcost ended with ${code} after ${lines.length} answers to ${questions.length} questions, or answered out of order.`);
  }
  return lines;
}

function question(id, { pair, usage }) {
  const counts = { input_tokens: usage.input, output_tokens: usage.output };
  for (const [kind, field] of Object.entries(FIELDS)) {
    if (usage[kind]) {
      counts[field] = usage[kind];
    }
  }
  return { id, provider: sellersOf(pair.provider)[0], model: pair.model, at: AT, usage: counts };
}

function judge({ pair, usage }, answer) {
  const name = `${pair.provider}/${pair.model}`;
  const model = models.get(name) ?? { known: false, differs: false };
  models.set(name, model);
  if (!answer.revision || !sellersOf(pair.provider).includes(answer.revision.split("/")[0])) {
    return;
  }
  model.known = true;
  compared++;
  if (answer.cost_nanos === null) {
    // We know the model and still name no cost: something has no rate of ours.
    note(pair, usage, answer.model, "cost", "unknown", "a price");
    return;
  }
  const theirs = price(pair, usage) * 1e9;
  if (same(answer.cost_nanos, theirs)) {
    equal++;
    return;
  }
  model.differs = true;
  let rest = answer.cost_nanos - theirs;
  for (const [kind, count] of Object.entries(disjoint(usage))) {
    const here = Number(answer.parts[PARTS[kind]] ?? 0);
    const there = partOf(pair, usage, kind, count);
    const rate = (dollars) => shown((dollars / count) * (kind === "webSearches" ? 1 : 1e6));
    if (rate(here) !== rate(there)) {
      note(pair, usage, answer.model, PARTS[kind], rate(here), rate(there));
      rest -= (here - there) * 1e9;
    }
  }
  if (Math.abs(rest) > 2 + 1e-9 * Math.max(answer.cost_nanos, theirs)) {
    broken.push(`${name}: ${answer.cost_nanos} nanos here and ${theirs} there, of which the rates leave ${rest} open; ${JSON.stringify(usage)}; ${JSON.stringify(answer)}`);
  }
}

/** Every token in one kind only; the same cutting as the contract describes. */
function disjoint(usage) {
  const cachedAudio = usage.cachedAudio ?? 0;
  const parts = {
    cached: (usage.cached ?? 0) - cachedAudio, write5m: usage.write5m, write1h: usage.write1h, audio: (usage.audio ?? 0) - cachedAudio, cachedAudio, image: usage.image,
    reasoning: usage.reasoning, outputAudio: usage.outputAudio, outputImage: usage.outputImage, webSearches: usage.webSearches,
  };
  const sum = (...kinds) => kinds.reduce((total, kind) => total + (parts[kind] ?? 0), 0);
  parts.input = usage.input - sum("cached", "write5m", "write1h", "audio", "cachedAudio", "image");
  parts.output = usage.output - sum("reasoning", "outputAudio", "outputImage");
  return Object.fromEntries(Object.entries(parts).filter(([, count]) => count > 0));
}

// Ten digits: what two doubles that should be the same rate differ in comes after.
function shown(rate) {
  return String(Number(rate.toPrecision(10)) + 0);
}

function note(pair, usage, model, rate, here, there) {
  const key = [pair.provider, model, rate, here, there].join("|");
  const difference = seen.get(key) ?? { provider: pair.provider, model, names: [], rate, ours: here, oracle: there, count: 0, from: usage.input, to: usage.input };
  if (!difference.names.includes(pair.model)) {
    difference.names.push(pair.model);
  }
  difference.count++;
  difference.from = Math.min(difference.from, usage.input);
  difference.to = Math.max(difference.to, usage.input);
  seen.set(key, difference);
}

/** A rate that falls back to the one for plain input or output differs because that one does; it needs no reason of its own. */
function forgetFallbacks() {
  for (const [key, { provider, model, rate, ours: here, oracle }] of seen) {
    const whole = /^(reasoning|output_)/.test(rate) ? "output" : "input";
    if (rate !== whole && rate !== "web_search" && seen.has([provider, model, whole, here, oracle].join("|"))) {
      seen.delete(key);
    }
  }
}

function report() {
  const listed = new Map();
  for (const entry of explained) {
    for (const [model, rates] of Object.entries(entry.models)) {
      for (const [rate, pairs] of Object.entries(rates)) {
        for (const [here, there] of pairs) {
          listed.set([entry.provider, model, rate, here, there].join("|"), entry);
        }
      }
    }
  }
  const unexplained = [...seen].filter(([key]) => !listed.has(key)).map(([, difference]) => difference);
  const stale = [...listed.keys()].filter((key) => !seen.has(key));
  const known = [...models.values()].filter((model) => model.known).length;
  const whole = new Set([...models].filter(([, model]) => model.known && !model.differs).map(([name]) => name)).size;
  console.log(`${models.size} names the oracle prices, ${known} of them known here (${((100 * known) / models.size).toFixed(1)} %), ${models.size - known} not:`);
  const unknown = {};
  for (const [name] of [...models].filter(([, model]) => !model.known)) {
    const seller = name.split("/")[0];
    unknown[seller] = (unknown[seller] ?? 0) + 1;
  }
  console.log(`  ${Object.entries(unknown).map(([seller, count]) => `${seller} ${count}`).join(", ")}`);
  console.log(`${compared} usages compared: ${equal} equal, ${compared - equal} differ; ${whole} of ${known} names never differ.`);
  console.log(`${seen.size} differing rates, ${unexplained.length} without a reason; ${stale.length} reasons without a difference; ${broken.length} differences that rates do not account for.`);
  for (const { provider, model, rate, ours: here, oracle, count, from, to } of unexplained.slice(0, 50)) {
    console.log(`UNEXPLAINED ${provider} ${model} ${rate}: ${here} here, ${oracle} there (${count} times, input ${from} to ${to})`);
  }
  stale.slice(0, 50).forEach((key) => console.log(`STALE ${key.replaceAll("|", " ")}`));
  broken.slice(0, 20).forEach((text) => console.log(`BROKEN ${text}`));
  if (compared < LEAST) {
    console.log(`Fewer than ${LEAST} usages were compared.`);
  }
  return unexplained.length === 0 && stale.length === 0 && broken.length === 0 && compared >= LEAST;
}

function read(args) {
  const found = { command: [], writeTo: null };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--write") {
      found.writeTo = args[++i];
    } else {
      found.command.push(args[i]);
    }
  }
  if (found.command.length === 0) {
    throw new Error("Usage: node compare.mjs <llmcost> [its arguments] [--write FILE]");
  }
  return found;
}
