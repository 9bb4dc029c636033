package io.moetier.cli.perplexity;

import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.LossCalibration;
import io.moetier.runtime.library.LossCalibration.OfCopies;
import io.moetier.runtime.library.LossCalibration.Point;
import io.moetier.runtime.model.mixture.LossMeter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/// Measures what leaving experts out costs a model, and what copies of them in fewer bits do, against itself with all
/// of them.
///
/// Some settings leave out all experts of little weight, as where all are in memory, others at random some of those
/// that weigh more, as where it depends on what is in memory.
final class Calibrating {
    private static final List<Setting> SETTINGS = List.of(
            new Setting(0.05, 1),
            new Setting(0.1, 1),
            new Setting(0.2, 0.3),
            new Setting(0.3, 0.1),
            new Setting(0.5, 0.1),
            new Setting(0.5, 0.01));

    /// Copies cost less, so that many of them are to be seen, those of much weight too.
    private static final List<Setting> OF_COPIES =
            List.of(new Setting(1, 1), new Setting(1, 0.2), new Setting(0.3, 1), new Setting(0.2, 0.3));

    /// @param most the largest dose of an expert that is left out, or that a copy stands for
    /// @param share of such experts that are
    private record Setting(double most, double share) {}

    /// Changes what the model computes, and nothing of what the reference does.
    private record Alternating(LossMeter meter) implements Perplexity.Turns {
        @Override
        public void ofReference() {
            meter.pause();
        }

        @Override
        public void ofModel() {
            meter.goOn();
        }
    }

    /// What each window says by itself, as texts differ in how much they take amiss.
    private static final class Pieces {
        private static final double SHARE = 0.9;

        private final Mean kld;
        private final LossMeter meter;
        private final List<Double> kldPerDose = new ArrayList<>();
        private double kldBefore;
        private double doseBefore;

        Pieces(Mean kld, LossMeter meter) {
            this.kld = kld;
            this.meter = meter;
        }

        /// Adds what was measured since the piece before.
        void add(int index) {
            // both are of the same share of the tokens: those that are scored, and all of a window
            double dose = meter.dosePerToken() * (index + 1) - doseBefore;
            double mean = kld.value() * (index + 1) - kldBefore;
            if (dose > 0) {
                kldPerDose.add(mean / dose);
            }
            doseBefore += dose;
            kldBefore += mean;
        }

        /// Returns what a dose costs in nine of ten pieces at most, of those that had one; 0 if none had.
        double nearlyMost() {
            List<Double> sorted = kldPerDose.stream().sorted().toList();
            return sorted.isEmpty() ? 0 : sorted.get((int) Math.ceil(SHARE * sorted.size()) - 1);
        }
    }

    private Calibrating() {}

    /// Returns how often every window is computed.
    static int rounds(boolean copies) {
        return SETTINGS.size() + (copies ? OF_COPIES.size() : 0);
    }

    /// What has been measured so far.
    private static final class Rounds {
        private final Windows windows;
        private final LoadedModel model;
        private final IntConsumer progress;
        private int done;
        private long scored;

        Rounds(Windows windows, LoadedModel model, IntConsumer progress) {
            this.windows = windows;
            this.model = model;
            this.progress = progress;
        }

        /// Measures each setting, and returns those in which the result was another.
        ///
        /// @param begin makes the meter do what a setting says
        List<Point> measure(List<Setting> settings, Consumer<Setting> begin) {
            List<Point> points = new ArrayList<>();
            for (Setting setting : settings) {
                begin.accept(setting);
                measure(setting).ifPresent(points::add);
            }
            model.engine().loss().pause();
            return points;
        }

        private Optional<Point> measure(Setting setting) {
            LossMeter meter = model.engine().loss();
            Perplexity perplexity = new Perplexity(windows, model, model, new Alternating(meter));
            Mean kld = perplexity.divergence().mean();
            Pieces pieces = new Pieces(kld, meter);
            perplexity.run(windowsDone -> {
                pieces.add(windowsDone - 1);
                progress.accept(done + windowsDone);
            });
            done += windows.count();
            scored = perplexity.scored();
            return pieces.nearlyMost() > 0
                    ? Optional.of(new Point(
                            setting.most, setting.share, meter.dosePerToken(), kld.value(), pieces.nearlyMost()))
                    : Optional.empty();
        }
    }

    /// @param copies fingerprint of the store of copies in fewer bits, if these are measured too
    /// @param progress is told how many windows are done, of all rounds
    /// @throws IllegalArgumentException if nothing can be left out of this model
    static LossCalibration run(
            Windows windows, LoadedModel model, Optional<String> copies, String text, IntConsumer progress) {
        LossMeter meter = model.engine().loss();
        Rounds rounds = new Rounds(windows, model, progress);
        List<Point> points = rounds.measure(SETTINGS, setting -> meter.calibrate(setting.most, setting.share));
        if (points.isEmpty()) {
            throw new IllegalArgumentException("--calibrate: no expert of " + model.name()
                    + " has little enough weight to be left out; a token of it has at most "
                    + model.engine().spec().mostExpertsPerToken() + " of a layer");
        }
        Optional<OfCopies> ofCopies = copies.map(fingerprint -> new OfCopies(fingerprint, ofCopies(rounds, meter)));
        return new LossCalibration(text, rounds.scored, points, ofCopies);
    }

    private static List<Point> ofCopies(Rounds rounds, LossMeter meter) {
        List<Point> points = rounds.measure(OF_COPIES, setting -> meter.calibrateCopies(setting.most, setting.share));
        if (points.isEmpty()) {
            throw new IllegalArgumentException(
                    "--copies: expected experts that are rounded, found some that compute what those of the model do");
        }
        return points;
    }

    /// Returns the figures for people.
    static String table(LossCalibration calibration) {
        String leftOut = table("left out up to", calibration.points()) + "a dose costs at most "
                + PerplexityCommand.number(calibration.kldPerDose()) + " nats; --max-kld goes by that\n";
        return leftOut
                + calibration
                        .copies()
                        .map(of -> "\n" + table("copies up to", of.points()) + "in copies it costs at most "
                                + PerplexityCommand.number(of.kldPerDose()) + " nats\n")
                        .orElse("");
    }

    private static Table table(String what, List<Point> points) {
        Table table =
                Table.ofFigures().row(what, "of these", "dose", "KL divergence", "per dose", "in nine of ten windows");
        for (Point point : points) {
            table.row(
                    PerplexityCommand.number(point.most()),
                    RunReport.percent(point.share()),
                    PerplexityCommand.number(point.dose()),
                    PerplexityCommand.number(point.kld()),
                    PerplexityCommand.number(point.kld() / point.dose()),
                    PerplexityCommand.number(point.kldPerDose()));
        }
        return table;
    }
}
