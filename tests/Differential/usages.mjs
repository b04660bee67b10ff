// Random usages: small, at the boundaries of long-context tiers, and large. The same seed gives the same usages on every machine.

// Where the vendors' long-context prices begin (Qwen, Doubao, Gemini, Claude, GPT-5.4); a boundary itself is still the lower tier.
const BOUNDARIES = [32_000, 128_000, 200_000, 256_000, 272_000];

/**
 * Counts are inclusive, as in `llmcost price --jsonl`. `bills` says what the model has a rate of its own for: `webSearches`, `audio`, `output`. A model
 * without audio has no cached audio either, one that embeds has no output, and one that does not search has no searches.
 */
export function* usages(random, count, bills) {
  // One kind alone, below and above every boundary, so that no rate is left to chance.
  for (const input of [100_000, 1_000_000]) {
    const output = bills.output ? 1_000 : 0;
    yield { input, output };
    for (const kind of ["cached", "write5m", "write1h", "audio", "image"]) {
      yield { input, output, [kind]: input / 2 };
    }
    if (bills.audio) {
      yield { input, output, cached: input / 2, audio: input / 2, cachedAudio: input / 4 };
    }
    for (const kind of bills.output ? ["reasoning", "outputAudio", "outputImage"] : []) {
      yield { input, output, [kind]: output / 2 };
    }
    if (bills.webSearches) {
      yield { input, output, webSearches: 3 };
    }
  }

  for (let i = 0; i < count; i++) {
    yield one(random, bills);
  }
}

function one(random, bills) {
  const input = size(random);
  const output = !bills.output || random.below(4) === 0 ? 0 : 1 + random.below(random.below(3) === 0 ? 64_000 : 2_000);
  const usage = { input, output };

  // Parts are cut from what is left of their whole, so they never contradict it.
  let rest = input;
  for (const kind of ["cached", "write5m", "write1h", "audio", "image"]) {
    if (random.below(3) === 0 && rest > 0) {
      rest -= usage[kind] = random.below(rest + 1);
    }
  }
  if (bills.audio && usage.cached && usage.audio && random.below(2) === 0) {
    // Cached audio is inside both; they may overlap by as much as both hold.
    usage.cachedAudio = random.below(Math.min(usage.cached, usage.audio) + 1);
  }
  let said = output;
  for (const kind of ["reasoning", "outputAudio", "outputImage"]) {
    if (random.below(4) === 0 && said > 0) {
      said -= usage[kind] = random.below(said + 1);
    }
  }
  if (bills.webSearches && random.below(3) === 0) {
    usage.webSearches = random.below(20);
  }
  return usage;
}

function size(random) {
  switch (random.below(4)) {
    case 0:
      return random.below(5_000);
    case 1:
      return BOUNDARIES[random.below(BOUNDARIES.length)] + random.below(3) - 1;
    case 2:
      return random.below(150_000);
    default:
      return random.below(2_000_000);
  }
}

/** The generator of George Marsaglia's xorshift family with 32 bits of state; quality enough to choose counts, and short enough to be checked. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0 || 1;
  }

  below(limit) {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }
}
