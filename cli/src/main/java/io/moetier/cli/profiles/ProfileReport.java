package io.moetier.cli.profiles;

import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Plural;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.model.MalformedModelException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What there is to say of one profile.
///
/// @param distances of the other profiles of the model by name: how far what this one counts is from them, in bits for
///     each choice
record ProfileReport(KeptProfile kept, CountedModel counted, OptionalLong learntTokens, Map<String, Double> distances) {
    private static final int SHOWN_EXPERTS = 4;

    /// Reads the profile, and all others in the folder that are of its model.
    ///
    /// @throws MalformedModelException if it is damaged
    static ProfileReport of(KeptProfile kept, ProfileFolder folder) {
        CountedModel counted = kept.read();
        Map<String, Double> distances = new TreeMap<>();
        for (KeptProfile other : folder.of(kept.fingerprint())) {
            if (!other.equals(kept)) {
                addDistance(distances, other, counted.census());
            }
        }
        return new ProfileReport(kept, counted, kept.learntTokens(), distances);
    }

    private static void addDistance(Map<String, Double> distances, KeptProfile other, Census census) {
        try {
            distances.put(other.name().toString(), other.read().census().divergenceOf(census));
        } catch (MalformedModelException | IllegalArgumentException e) {
            distances.put(other.name().toString(), Double.NaN); // damaged; profiles list says how
        }
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = kept.facts(counted, learntTokens);
        Map<String, Object> others = new LinkedHashMap<>();
        distances.forEach((name, bits) -> others.put(name, Double.isNaN(bits) ? null : bits));
        fields.put("bits_per_choice_from", others);
        List<Map<String, Object>> layers = new ArrayList<>();
        counted.census().shares().forEach((layer, shares) -> {
            Map<String, Object> of = new LinkedHashMap<>();
            of.put("layer", layer);
            of.put("effective_experts", effectiveExperts(shares));
            of.put("shares", shares);
            layers.add(of);
        });
        fields.put("layers", layers);
        return fields;
    }

    String text() {
        Table facts = Table.ofFacts()
                .row("profile", kept.name())
                .row("model", ProfileFolder.spelling(kept))
                .row(
                        "tokens",
                        String.format(
                                Locale.ROOT,
                                "%,.0f, earlier ones in part",
                                counted.census().tokens()))
                .row(
                        "learnt",
                        learntTokens.isPresent()
                                ? "from " + Plural.grouped(learntTokens.getAsLong(), "token")
                                : "nothing")
                .row("file", kept.censusFile());
        distances.forEach((name, bits) -> facts.row(
                "from " + name,
                Double.isNaN(bits) ? "damaged" : String.format(Locale.ROOT, "%.3f bits for each choice", bits)));
        Table layers = Table.ofFacts().row("layer", "effective experts", "chosen by most tokens");
        counted.census()
                .shares()
                .forEach((layer, shares) -> layers.row(
                        layer,
                        String.format(Locale.ROOT, "%.1f of %d", effectiveExperts(shares), shares.length),
                        most(shares)));
        return facts + "\n" + layers;
    }

    private static String most(double[] shares) {
        return IntStream.range(0, shares.length)
                .boxed()
                .filter(expert -> shares[expert] > 0)
                .sorted(Comparator.comparingDouble(expert -> -shares[expert]))
                .limit(SHOWN_EXPERTS)
                .map(expert -> String.format(Locale.ROOT, "%d: %.1f %%", expert, 100 * shares[expert]))
                .collect(Collectors.joining(", "));
    }

    /// Returns two to the power of the choices' entropy: how many experts, chosen evenly, would be as hard to guess.
    private static double effectiveExperts(double[] shares) {
        double sum = Arrays.stream(shares).sum();
        double nats = 0;
        for (double share : shares) {
            nats -= share > 0 ? share / sum * Math.log(share / sum) : 0;
        }
        return Math.exp(nats);
    }
}
