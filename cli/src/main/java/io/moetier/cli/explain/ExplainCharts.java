package io.moetier.cli.explain;

import io.moetier.cli.report.HtmlBody;
import io.moetier.cli.report.HtmlReport;
import io.moetier.lab.explain.Explainer.Wanted;
import io.moetier.lab.explain.Part;
import io.moetier.lab.explain.Part.Kind;
import io.moetier.lab.explain.TokenMixture;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/// The figures of a prompt as a page with charts: of each mixture what its gate says of every expert and how much each
/// adds, tokens downwards.
final class ExplainCharts {
    private static final int MOST_TOKENS = 128; // of a prompt; the page would not open in a browser's memory
    private static final double ROUNDING = 1e5;

    private final ExplainedPrompt prompt;

    ExplainCharts(ExplainedPrompt prompt) {
        this.prompt = prompt;
    }

    /// Returns the page.
    ///
    /// @param shown what also has a table
    String page(Wanted shown) {
        String title = "Experts of " + prompt.model();
        HtmlBody body = new HtmlBody(title).paragraph(prompt.subject());
        ExplainTable tables = new ExplainTable(prompt);
        for (TokenMixture mixture : tables.mixtures(shown)) {
            List<String> steps = List.of(tables.token(mixture), tables.gate(mixture));
            body.table(capitalised(tables.place(mixture)), steps, tables.table(mixture));
        }
        Map<String, Object> heats = new LinkedHashMap<>();
        if (!prompt.modalities().isEmpty()) {
            prompt.modalities().addTo(body, heats);
        }
        int number = 0;
        for (List<TokenMixture> tokens : byMixture()) {
            TokenMixture first = tokens.getFirst();
            String place = capitalised(tables.place(first));
            add(body, heats, "gate" + number, place + ": gate", gateText(first), gates(tokens));
            add(body, heats, "added" + number, place + ": what each adds", addedText(first), sizes(tokens));
            number++;
        }
        return HtmlReport.page(title, body.toString(), Map.of("heats", heats));
    }

    private static void add(
            HtmlBody body, Map<String, Object> heats, String id, String title, String text, Map<String, Object> heat) {
        body.chart(id, title, text);
        heats.put(id, heat);
    }

    private String gateText(TokenMixture mixture) {
        return "The router's scores ("
                + ExplainedPrompt.scoreName(prompt.router(mixture).routing()) + "): tokens downwards" + cut(mixture)
                + ", experts to the right.";
    }

    private String addedText(TokenMixture mixture) {
        return "L2 norms of the weighted outputs: palest is what was not chosen or adds nothing"
                + (mixture.parts().stream().anyMatch(part -> part.kind() == Kind.SHARED)
                        ? "; in the last column the shared expert."
                        : ".");
    }

    private String cut(TokenMixture mixture) {
        int count = prompt.tokens(mixture.layer()).count();
        return count > MOST_TOKENS ? ", the last " + MOST_TOKENS + " of " + count : "";
    }

    private static String capitalised(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    /// Returns the tokens of each mixture that are drawn.
    private List<List<TokenMixture>> byMixture() {
        List<List<TokenMixture>> mixtures = new ArrayList<>();
        for (TokenMixture each : prompt.explainer().mixtures()) {
            boolean next = mixtures.isEmpty()
                    || mixtures.getLast().getFirst().layer() != each.layer()
                    || mixtures.getLast().getFirst().ofHeads() != each.ofHeads();
            if (next) {
                mixtures.add(new ArrayList<>());
            }
            mixtures.getLast().add(each);
        }
        return mixtures.stream()
                .map(tokens -> tokens.subList(Math.max(0, tokens.size() - MOST_TOKENS), tokens.size()))
                .toList();
    }

    private Map<String, Object> gates(List<TokenMixture> tokens) {
        List<List<Double>> rows =
                tokens.stream().map(mixture -> doubles(mixture.gate().scores())).toList();
        boolean share = ExplainedPrompt.areProbabilities(
                prompt.router(tokens.getFirst()).routing());
        return heat(tokens, rows, share);
    }

    private Map<String, Object> sizes(List<TokenMixture> tokens) {
        List<List<Double>> rows = tokens.stream().map(ExplainCharts::sizes).toList();
        return heat(tokens, rows, false);
    }

    private Map<String, Object> heat(List<TokenMixture> tokens, List<List<Double>> rows, boolean share) {
        TokenMixture first = tokens.getFirst();
        Map<String, Object> heat = new LinkedHashMap<>();
        heat.put("rows", rows);
        heat.put(
                "labels",
                tokens.stream()
                        .map(mixture -> prompt.tokens(first.layer()).label(mixture.position()))
                        .toList());
        heat.put("first", first.position());
        heat.put("shared", rows.getFirst().size() > first.gate().scores().length);
        heat.put("percent", share);
        return heat;
    }

    /// One for each choice there is, and one more for a shared expert.
    private static List<Double> sizes(TokenMixture mixture) {
        boolean shared = mixture.parts().stream().anyMatch(part -> part.kind() == Kind.SHARED);
        double[] sizes = new double[mixture.gate().scores().length + (shared ? 1 : 0)];
        for (Part part : mixture.parts()) {
            switch (part.kind()) {
                case EXPERT, IDENTITY -> sizes[part.id()] = part.size();
                case SHARED -> sizes[sizes.length - 1] = part.size();
                case BIAS, DROPPED -> {} // no expert's
            }
        }
        return IntStream.range(0, sizes.length).mapToObj(i -> rounded(sizes[i])).toList();
    }

    private static List<Double> doubles(float[] values) {
        return IntStream.range(0, values.length)
                .mapToObj(i -> rounded(values[i]))
                .toList();
    }

    /// Keeps the page small.
    private static double rounded(double value) {
        return Math.round(value * ROUNDING) / ROUNDING;
    }
}
