package io.moetier.cli.explain;

import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.kernels.device.Routing;
import io.moetier.lab.explain.Explainer.Wanted;
import io.moetier.lab.explain.Part;
import io.moetier.lab.explain.Part.Kind;
import io.moetier.lab.explain.TokenMixture;
import io.moetier.runtime.model.spec.RouterSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// The five steps of a mixture for people: the token, the gate, the choice, what each expert adds, the sum.
final class ExplainTable {
    private static final int MOST_NOT_CHOSEN = 4;
    private static final int BAR = 10;

    private final ExplainedPrompt prompt;

    ExplainTable(ExplainedPrompt prompt) {
        this.prompt = prompt;
    }

    /// Returns everything that is shown.
    String text(Wanted shown) {
        StringBuilder text = new StringBuilder(prompt.subject()).append('\n');
        for (TokenMixture mixture : mixtures(shown)) {
            text.append('\n')
                    .append(place(mixture))
                    .append('\n')
                    .append(token(mixture))
                    .append('\n');
            text.append(gate(mixture)).append("\n\n").append(table(mixture));
        }
        if (!prompt.modalities().isEmpty()) {
            text.append("\nimages and text\n\n").append(prompt.modalities().table());
        }
        return text + """

                Sizes are L2 norms; "of sum" is what a part adds in the direction of the sum.
                --layer N|all and --token N|all show more; --json FILE writes all figures,
                --report html draws them.
                """;
    }

    /// Returns what is shown, in the order in which it is computed.
    List<TokenMixture> mixtures(Wanted shown) {
        return prompt.explainer().mixtures().stream()
                .filter(mixture -> shown.test(mixture.layer(), mixture.position()))
                .toList();
    }

    /// Returns which mixture it is.
    String place(TokenMixture mixture) {
        return prompt.layerName(mixture.layer()) + ", " + ExplainedPrompt.mixed(mixture);
    }

    /// Returns the first step, as a line.
    String token(TokenMixture mixture) {
        ExplainedTokens tokens = prompt.tokens(mixture.layer());
        double embedding =
                prompt.explainer().embeddingSize(mixture.layer() < prompt.spec().encoderLayers(), mixture.position());
        return "1 token " + mixture.position() + " of 0 to " + (tokens.count() - 1) + ", "
                + tokens.words(mixture.position()) + ": embedding of size " + number(embedding)
                + ", input of the router " + number(mixture.gate().inputSize());
    }

    /// Returns what the router does in the second and third step, as a line.
    String gate(TokenMixture mixture) {
        RouterSpec router = prompt.router(mixture);
        Routing routing = router.routing();
        StringBuilder text = new StringBuilder("2 gate: ")
                .append(ExplainedPrompt.scoreName(routing))
                .append("; 3 choice: ")
                .append(routing.numExpertsPerToken())
                .append(" of ")
                .append(routing.numExperts())
                .append(" experts");
        if (routing.groups().count() > 1) {
            text.append(" from ")
                    .append(routing.groups().chosen())
                    .append(" of ")
                    .append(routing.groups().count())
                    .append(" groups");
        }
        text.append(router.correction().isPresent() ? " by score plus correction" : "");
        text.append(prompt.weighsInputs(mixture) ? ", weights on what they read" : "");
        text.append(dropped(mixture) > 0 ? ", " + dropped(mixture) + " dropped: " + whyDropped(router) : "");
        return text.toString();
    }

    /// Returns the steps from the second on.
    Table table(TokenMixture mixture) {
        RouterSpec router = prompt.router(mixture);
        boolean corrected = router.correction().isPresent();
        Table table = Table.ofFigures()
                .row(cells(
                        corrected,
                        "expert",
                        "2 logit",
                        "gate",
                        "",
                        "ranked",
                        "3 weight",
                        "4 output",
                        "added",
                        "5 of sum"));
        for (Part part : mixture.parts()) {
            if (part.kind() != Kind.DROPPED) {
                table.row(row(mixture, part, corrected));
            }
        }
        List<Integer> others = notChosen(mixture);
        for (int id : others.subList(0, Math.min(MOST_NOT_CHOSEN, others.size()))) {
            table.row(gateCells(mixture, id, corrected).toArray());
        }
        if (others.size() > MOST_NOT_CHOSEN) {
            table.row((others.size() - MOST_NOT_CHOSEN) + " more");
        }
        return table.row(
                cells(corrected, "sum", "", "", "", "", "", "", number(mixture.sumSize()), percent(sum(mixture))));
    }

    private Object[] row(TokenMixture mixture, Part part, boolean corrected) {
        List<Object> cells = new ArrayList<>();
        switch (part.kind()) {
            case EXPERT, IDENTITY -> cells.addAll(gateCells(mixture, part.id(), corrected));
            case BIAS -> cells.addAll(List.of(cells(corrected, "bias", "", "", "", "")));
            case SHARED, DROPPED -> cells.addAll(List.of(cells(corrected, "shared", "", "", "", "")));
        }
        cells.addAll(
                List.of(number(part.weight()), number(part.outputSize()), number(part.size()), percent(part.share())));
        return cells.toArray();
    }

    /// The first cells of a row, up to what a choice is ranked by.
    private List<Object> gateCells(TokenMixture mixture, int id, boolean corrected) {
        Routing routing = prompt.router(mixture).routing();
        double score = mixture.gate().scores()[id];
        String name = id < prompt.numExperts(mixture) ? String.valueOf(id) : id + " identity";
        if (routing.groups().count() > 1) {
            name += " (group " + id / (routing.numExperts() / routing.groups().count()) + ")";
        }
        return List.of(cells(
                corrected,
                name,
                number(mixture.gate().logits()[id]),
                ExplainedPrompt.areProbabilities(routing) ? percent(score) : number(score),
                bar(score),
                number(mixture.gate().ranks()[id])));
    }

    /// Leaves out the fifth cell where nothing is added for the choice.
    private static Object[] cells(boolean corrected, Object... cells) {
        return IntStream.range(0, cells.length)
                .filter(i -> corrected || i != 4)
                .mapToObj(i -> cells[i])
                .toArray();
    }

    /// Returns what was not chosen, what came next to it first.
    private List<Integer> notChosen(TokenMixture mixture) {
        Set<Integer> chosen = mixture.parts().stream().map(Part::id).collect(Collectors.toSet());
        TokenMixture.Gate gate = mixture.gate();
        boolean byLogit = prompt.router(mixture).routing().score() instanceof Routing.SparseMixer;
        float[] ranks = byLogit ? gate.logits() : gate.ranks();
        return IntStream.range(0, ranks.length)
                .boxed()
                .filter(id -> !chosen.contains(id))
                .sorted(Comparator.<Integer>comparingDouble(id -> -ranks[id])
                        .thenComparingDouble(id -> -gate.logits()[id])) // scores saturate
                .toList();
    }

    private static long dropped(TokenMixture mixture) {
        return mixture.parts().stream()
                .filter(part -> part.kind() == Kind.DROPPED)
                .count();
    }

    private static String whyDropped(RouterSpec router) {
        return router.capacity().isPresent() ? "no room left in its expert" : "by --top-p-experts";
    }

    private static double sum(TokenMixture mixture) {
        return mixture.parts().stream().mapToDouble(Part::share).sum();
    }

    private static String bar(double score) {
        int length = (int) Math.round(BAR * Math.clamp(score, 0, 1));
        return "█".repeat(length) + " ".repeat(BAR - length);
    }

    private static String percent(double share) {
        return RunReport.percent(Math.abs(share) < 0.0005 ? 0 : share); // there is no zero below zero
    }

    private static String number(double value) {
        double shown = Math.abs(value) < 0.0005 ? 0 : value;
        return String.format(Locale.ROOT, Math.abs(shown) < 1000 ? "%.3f" : "%.0f", shown);
    }
}
