// The independent calculator: which models it knows, and what it says a usage costs.
import { calcPrice, waitForUpdate } from "@pydantic/genai-prices";

/** Both calculators price this day, on which the newest prices of both hold; a later price of one of them moves nothing. */
export const AT = "2026-11-22T12:00:00Z";

const timestamp = new Date(AT);

/** Every name the oracle lists: the ids of its models, and the names it matches exactly. No update was started, so this is the data inside the package. */
export async function names() {
  const pairs = [];
  for (const provider of await waitForUpdate()) {
    for (const model of provider.models) {
      for (const name of new Set([model.id, ...exactNames(model.match)])) {
        const answer = calcPrice({ input_tokens: 1 }, name, { providerId: provider.id, timestamp });
        if (answer) {
          const rates = answer.model_price;
          const bills = { webSearches: rates.web_searches_kcount !== undefined, audio: rates.input_audio_mtok !== undefined, output: rates.output_mtok !== undefined };
          pairs.push({ provider: provider.id, model: name, bills });
        }
      }
    }
  }
  return pairs;
}

/** Dollars as a double. */
export function price({ provider, model }, usage) {
  return calcPrice(toOracle(usage), model, { providerId: provider, timestamp }).total_price;
}

/** Dollars for the tokens of one kind inside a usage, at the rate that holds for the whole of it. */
export function partOf(pair, usage, kind, count) {
  const context = { input: usage.input, output: usage.output };
  const only = { ...context };
  switch (kind) {
    case "input":
      return price(pair, { input: usage.input }) * (count / usage.input);
    case "output":
      return price(pair, { input: usage.input, output: count }) - price(pair, { input: usage.input });
    case "cachedAudio":
      Object.assign(only, { cached: count, audio: count, cachedAudio: count });
      break;
    default:
      only[kind] = count;
  }
  const plain = price(pair, context);
  const changed = price(pair, only);
  const whole = kind === "webSearches" ? 0 : partOf(pair, usage, kind === "reasoning" || kind.startsWith("output") ? "output" : "input", count);
  return changed - plain + whole;
}

function toOracle(usage) {
  const write5m = usage.write5m ?? 0;
  const write1h = usage.write1h ?? 0;
  return {
    input_tokens: usage.input,
    cache_read_tokens: usage.cached ?? 0,
    cache_write_tokens: write5m + write1h,
    cache_write_5m_tokens: write5m,
    cache_write_1h_tokens: write1h,
    input_audio_tokens: usage.audio ?? 0,
    cache_audio_read_tokens: usage.cachedAudio ?? 0,
    input_image_tokens: usage.image ?? 0,
    cache_image_read_tokens: 0,
    output_tokens: usage.output ?? 0,
    output_reasoning_tokens: usage.reasoning ?? 0,
    output_audio_tokens: usage.outputAudio ?? 0,
    output_image_tokens: usage.outputImage ?? 0,
    web_searches: usage.webSearches ?? 0,
  };
}

function exactNames(match) {
  if (match.equals !== undefined) {
    return [match.equals];
  }
  return (match.or ?? []).flatMap(exactNames);
}
