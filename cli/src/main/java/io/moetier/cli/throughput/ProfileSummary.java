package io.moetier.cli.throughput;

import io.moetier.cli.report.RunReport;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.Comparison;
import io.moetier.lab.throughput.Estimate;
import io.moetier.lab.throughput.Measured;
import io.moetier.lab.throughput.Parts;
import io.moetier.storage.model.Phase;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// A sweep in words: how fast, where the time goes, what bounds it, what waits are for, and what would help.
record ProfileSummary(Findings findings, List<Measured> all) {
    ProfileSummary(Findings findings) {
        this(findings, findings.measured());
    }

    List<String> sentences() {
        List<String> sentences = new ArrayList<>();
        List<Measured> generated = of(Phase.DECODE);
        Optional<Measured> best = fastest(generated);
        fastest(of(Phase.PREFILL)).ifPresent(prompt -> sentences.add(speed("Prompts are computed", prompt)));
        best.ifPresent(measured -> sentences.add(speed("Tokens are generated", measured)));
        best.ifPresent(measured -> sentences.addAll(List.of(timeGoes(measured), waits(measured))));
        generated.stream()
                .min(Comparator.comparingDouble(
                        measured -> measured.tokensPerSecond().value()))
                .filter(slowest -> best.isPresent() && !slowest.equals(best.get()))
                .ifPresent(slowest -> sentences.addAll(List.of(slowest(slowest, best.orElseThrow()), waits(slowest))));
        scaling(generated).ifPresent(sentences::add);
        findings.gains().forEach(gain -> sentences.add(gain.sentence()));
        findings.expectations().stream()
                .max(Comparator.comparingDouble(each -> Math.abs(each.error())))
                .ifPresentOrElse(
                        worst -> sentences.add(worst.sentence()),
                        () -> sentences.add("No prediction: " + findings.whyNone() + "."));
        sentences.addAll(findings.leftOut());
        unsteady().ifPresent(sentences::add);
        return sentences;
    }

    private List<Measured> of(Phase phase) {
        return all.stream()
                .filter(each -> each.of().phase() == phase && each.of().maxKld() == 0)
                .toList();
    }

    private static Optional<Measured> fastest(List<Measured> some) {
        return some.stream()
                .max(Comparator.comparingDouble(each -> each.tokensPerSecond().value()));
    }

    private static String speed(String what, Measured measured) {
        Estimate rate = measured.tokensPerSecond();
        String bound = measured.bound().isEmpty()
                ? ""
                : ", " + RunReport.percent(measured.shareOfBound()) + " of what " + measured.bound() + " allows";
        return what + " at up to " + RunReport.rate(rate.value()) + " tokens/s (" + RunReport.rate(rate.low()) + " to "
                + RunReport.rate(rate.high()) + "; " + measured.of().fullLabel() + ")" + bound + ".";
    }

    private static String timeGoes(Measured measured) {
        List<String> parts = measured.parts().byKind().entrySet().stream()
                .sorted(Comparator.comparingDouble(part -> -part.getValue().seconds()))
                .limit(3)
                .map(part ->
                        part.getKey() + " " + RunReport.percent(measured.parts().share(part.getKey())))
                .toList();
        return "Of a token there go into " + String.join(", ", parts) + ".";
    }

    private static String slowest(Measured slowest, Measured best) {
        double factor =
                best.tokensPerSecond().value() / slowest.tokensPerSecond().value();
        return String.format(
                Locale.ROOT,
                "%s is %.1f times as slow: most of it is %s, %.0f %% of a token, and %.0f %% of experts are found.",
                capitalised(slowest.of().fullLabel()),
                factor,
                slowest.longest(),
                100 * slowest.parts().share(slowest.longest()),
                100 * slowest.hitRate());
    }

    /// Says what more threads bring.
    private Optional<String> scaling(List<Measured> generated) {
        Optional<Measured> one =
                generated.stream().min(Comparator.comparingInt(each -> each.of().threads()));
        return one.flatMap(fewest -> generated.stream()
                .filter(each -> alike(each.of(), fewest.of()))
                .max(Comparator.comparingInt(each -> each.of().threads()))
                .filter(most -> most.of().threads() > fewest.of().threads())
                .map(most -> String.format(
                        Locale.ROOT,
                        "%d threads generate %.2f times as fast as %d.",
                        most.of().threads(),
                        most.tokensPerSecond().value()
                                / fewest.tokensPerSecond().value(),
                        fewest.of().threads())));
    }

    private static boolean alike(Case a, Case b) {
        return a.tokens() == b.tokens() && a.depth() == b.depth() && a.budget().equals(b.budget());
    }

    /// Says what is waited for: experts from disk or over the link, cores that others have, and sampling.
    private static String waits(Measured measured) {
        Parts parts = measured.parts();
        double waits = parts.share(Parts.WAITS);
        String reason = waits == 0 ? "none" : RunReport.percent(waits) + " for " + source(parts);
        return "Waits of a token there: experts " + reason + ", a core that other threads had "
                + RunReport.percent(measured.queueSeconds() / parts.seconds()) + ", sampling "
                + RunReport.percent(parts.share(Parts.SAMPLING)) + ".";
    }

    private static String source(Parts parts) {
        double disk = parts.work().diskBytes();
        double link = parts.work().linkBytes();
        return disk == 0 ? "the link" : link == 0 ? "the disk" : "disk and link";
    }

    private Optional<String> unsteady() {
        boolean few = all.stream().anyMatch(each -> each.samples().rounds().size() < Comparison.LEAST_ROUNDS);
        boolean unsteady = all.stream().anyMatch(each -> each.warmUp().isEmpty());
        return unsteady
                ? Optional.of("* Times did not become steady, so the later half of the rounds counts; more --seconds"
                        + " help.")
                : few
                        ? Optional.of("Fewer than " + Comparison.LEAST_ROUNDS + " rounds of a point are too few for"
                                + " profile diff; more --seconds give more.")
                        : Optional.empty();
    }

    private static String capitalised(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }
}
