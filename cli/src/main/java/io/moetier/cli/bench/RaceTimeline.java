package io.moetier.cli.bench;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.List;

/// What a timeline that `run --trace-events` has written says of a prompt and the tokens behind it.
final class RaceTimeline {
    private static final double MICROSECONDS = 1e6;

    private RaceTimeline() {}

    /// Reads the steps of one prompt and its answer.
    ///
    /// @throws MalformedModelException if there is no prompt in the file, or it is no timeline
    static Steps read(Path file) {
        List<JsonObject> events = Json.readObject(file).requireObjects("traceEvents");
        List<JsonObject> prompts = named(events, "prefill");
        if (prompts.isEmpty()) {
            throw new MalformedModelException(file + ": expected the event of a prompt, found none");
        }
        List<JsonObject> loads = named(events, "expert");
        List<JsonObject> decodes = named(events, "decode");
        List<Steps.Step> tokens = decodes.stream()
                .map(token -> new Steps.Step(seconds(token), bytesWithin(token, loads)))
                .toList();
        int promptTokens = prompts.stream()
                .mapToInt(prompt -> prompt.requireObject("args").requireInt("tokens"))
                .sum();
        double promptSeconds =
                prompts.stream().mapToDouble(RaceTimeline::seconds).sum();
        return new Steps(promptTokens, promptSeconds, tokens);
    }

    private static List<JsonObject> named(List<JsonObject> events, String name) {
        return events.stream()
                .filter(event -> event.requireString("name").equals(name))
                .toList();
    }

    /// Returns the bytes of the experts whose load ended during a step.
    private static long bytesWithin(JsonObject step, List<JsonObject> loads) {
        double begin = step.requireDouble("ts");
        double end = begin + step.requireDouble("dur");
        return loads.stream()
                .filter(load -> isWithin(load.requireDouble("ts") + load.requireDouble("dur"), begin, end))
                .mapToLong(load -> load.requireObject("args").requireLong("bytes"))
                .sum();
    }

    private static boolean isWithin(double time, double begin, double end) {
        return time >= begin && time < end;
    }

    private static double seconds(JsonObject event) {
        return event.requireDouble("dur") / MICROSECONDS;
    }
}
