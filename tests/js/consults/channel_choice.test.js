// Which channel an interpreter speaks into, and what each person hears.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  channelTowards,
  gainOf,
  handoverGiver,
  listeningWords,
  liveChannel,
  offeredLanguages,
  otherChannel,
} from "../../../static/js/consults/interpreting/channel_choice.js";

const PAIR = ["de-CH", "ar"];

describe("the switch", () => {
  test("shows the channel of the language that is live, whatever its region", () => {
    assert.equal(liveChannel(PAIR, "de"), "de-CH");
    assert.equal(liveChannel(PAIR, "ar-EG"), "ar");
    assert.equal(liveChannel(PAIR, "es"), undefined);
    assert.equal(liveChannel(PAIR, null), undefined);
  });

  test("flips to the other channel, and from none to the first", () => {
    assert.equal(otherChannel(PAIR, "de"), "ar");
    assert.equal(otherChannel(PAIR, "ar"), "de-CH");
    assert.equal(otherChannel(PAIR, null), "de-CH");
  });

  test("follows the arrow keys as the channels are seen, right to left too", () => {
    assert.equal(channelTowards(PAIR, "ArrowRight", false), "ar");
    assert.equal(channelTowards(PAIR, "ArrowLeft", false), "de-CH");
    assert.equal(channelTowards(PAIR, "ArrowRight", true), "de-CH");
    assert.equal(channelTowards(PAIR, "ArrowLeft", true), "ar");
  });
});

describe("the languages to listen in", () => {
  test("are the room's and one's own, each once", () => {
    const state = { languages: ["de", "ar"] };
    assert.deepEqual(offeredLanguages(state, { listens: "es-MX" }), ["de", "ar", "es"]);
    assert.deepEqual(offeredLanguages(state, { listens: "de-AT" }), ["de", "ar"]);
  });

  test("are explained by what one hears", () => {
    const words = (mode, ...sounds) =>
      listeningWords({ mode, seats: sounds.map((sound) => ({ sound })) });
    assert.equal(words("consecutive", "original"), "hearEveryone");
    assert.equal(words("simultaneous", "original", "interpreter"), "originalSoft");
    assert.equal(words("simultaneous", "ducked"), "originalSoft");
    assert.equal(words("simultaneous", "original"), "noInterpreterForYou");
  });
});

describe("how loud a seat is", () => {
  const seat = { place: "in", sound: "original", gain: 0.8 };

  test("is what the server says for whoever is inside, or was a moment ago", () => {
    assert.equal(gainOf(seat, null), 0.8);
    assert.equal(gainOf({ ...seat, place: "away" }, null), 0.8);
  });

  test("is nothing for those who wait or are gone", () => {
    assert.equal(gainOf({ ...seat, place: "waiting" }, null), 0);
    assert.equal(gainOf({ ...seat, place: "absent" }, 1), 0);
  });

  test("follows the slider for a ducked original, and for nothing else", () => {
    assert.equal(gainOf({ ...seat, sound: "ducked", gain: 0.2 }, 0.5), 0.5);
    assert.equal(gainOf({ ...seat, sound: "ducked", gain: 0.2 }, 0), 0);
    assert.equal(gainOf({ ...seat, sound: "ducked", gain: 0.2 }, null), 0.2);
    assert.equal(gainOf({ ...seat, sound: "interpreter", gain: 1 }, 0.5), 1);
  });
});

describe("a hand-over", () => {
  const mine = { id: "me", mine: true, handingOver: true, liveOn: "de", pair: ["de", "ar"] };
  const partner = { id: "other", mine: false, handingOver: true, liveOn: "ar-EG" };

  test("is offered by a partner who is live on a language of mine", () => {
    assert.equal(handoverGiver([mine, partner], mine), partner);
  });

  test("is not offered by oneself, by the silent, or in another language", () => {
    assert.equal(handoverGiver([mine], mine), undefined);
    assert.equal(handoverGiver([{ ...partner, handingOver: false }], mine), undefined);
    assert.equal(handoverGiver([{ ...partner, liveOn: null }], mine), undefined);
    assert.equal(handoverGiver([{ ...partner, liveOn: "zh" }], mine), undefined);
  });
});
