package io.moetier.lab.throughput;

import io.moetier.lab.throughput.Parts.Part;
import io.moetier.storage.format.JsonObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;

/// What was measured of one point of a sweep, after the warm-up.
///
/// @param samples steps: of one token, or of a whole prompt
/// @param parts of a step
/// @param warmUp how many rounds in front of these do not count; nothing if it never became steady
/// @param hitRate the share of needed experts that were found
/// @param queueSeconds how long the computing thread that waited the most for a core did so in a step; 0 if the system
///     does not tell
public record Measured(
        Case of,
        Samples samples,
        Parts parts,
        Peaks peaks,
        Optional<Integer> warmUp,
        double hitRate,
        double queueSeconds) {
    /// Returns the tokens a second, with their interval.
    public Estimate tokensPerSecond() {
        return samples.estimate(of.fullLabel().hashCode()).perSecond(of.stepTokens());
    }

    /// Returns the share of what the hardware would give.
    public double shareOfBound() {
        return parts.bound(peaks) / samples.seconds();
    }

    /// Returns the kind of parts that takes the longest.
    public String longest() {
        return parts.byKind().entrySet().stream()
                .max(Comparator.comparingDouble(part -> part.getValue().seconds()))
                .map(Map.Entry::getKey)
                .orElse("");
    }

    /// Returns what bounds a step: that of its longest part.
    public String bound() {
        Part longest = parts.byKind().get(longest());
        return longest == null || longest().equals(Parts.WAITS)
                ? peaks.bound(parts.work()).map(Peaks.Bound::label).orElse("")
                : peaks.bound(longest.work()).map(Peaks.Bound::label).orElse("");
    }

    /// Returns the fields of a file.
    Map<String, Object> fields() {
        Map<String, Object> fields = of.fields();
        fields.put("tokens_per_second", tokensPerSecond().fields());
        fields.put("of_bound", shareOfBound());
        fields.put("hit_rate", hitRate);
        fields.put("queue_seconds", queueSeconds);
        warmUp.ifPresent(rounds -> fields.put("warm_up_rounds", rounds));
        fields.put("peaks", peaks.fields());
        fields.put("parts", parts.fields(peaks));
        fields.put("steps", samples.rounds().getFirst().length);
        fields.put(
                "nanos",
                samples.rounds().stream().flatMapToLong(LongStream::of).boxed().toList());
        return fields;
    }

    static Measured parse(JsonObject json) {
        Parts parts = Parts.parse(json.requireObject("parts"));
        if (parts.byKind().isEmpty()) {
            throw json.unexpected("parts", "what a step consists of", "nothing");
        }
        return new Measured(
                Case.parse(json),
                samples(json),
                parts,
                Peaks.parse(json.requireObject("peaks")),
                json.optionalInt("warm_up_rounds"),
                json.requireDouble("hit_rate"),
                json.requireDouble("queue_seconds"));
    }

    private static Samples samples(JsonObject json) {
        int steps = json.requireInt("steps");
        List<Long> nanos = json.requireLongs("nanos");
        boolean whole = steps > 0 && !nanos.isEmpty() && nanos.size() % steps == 0;
        if (!whole || nanos.stream().anyMatch(each -> each <= 0)) {
            throw json.unexpected("nanos", "times above 0 of rounds of " + steps + " steps", nanos.size());
        }
        List<long[]> rounds = new ArrayList<>();
        for (int from = 0; from < nanos.size(); from += steps) {
            rounds.add(nanos.subList(from, from + steps).stream()
                    .mapToLong(each -> each)
                    .toArray());
        }
        return new Samples(rounds);
    }
}
