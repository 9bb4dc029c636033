package io.moetier.cli.perplexity;

import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.LossCalibration;
import io.moetier.runtime.library.LossCalibration.Point;
import io.moetier.runtime.model.mixture.LossMeter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/// Measures what leaving experts out costs a model, against itself with all of them.
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

    /// @param most the largest dose of an expert that is left out
    /// @param share of such experts that are
    private record Setting(double most, double share) {}

    /// Leaves experts out of what the model computes, and none of what the reference does.
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
    static int rounds() {
        return SETTINGS.size();
    }

    /// @param progress is told how many windows are done, of all rounds
    /// @throws IllegalArgumentException if nothing can be left out of this model
    static LossCalibration run(Windows windows, LoadedModel model, String text, IntConsumer progress) {
        LossMeter meter = model.engine().loss();
        List<Point> points = new ArrayList<>();
        long scored = 0;
        for (int i = 0; i < SETTINGS.size(); i++) {
            int before = i * windows.count();
            Setting setting = SETTINGS.get(i);
            meter.calibrate(setting.most, setting.share);
            Perplexity perplexity = new Perplexity(windows, model, model, new Alternating(meter));
            Mean kld = perplexity.divergence().mean();
            Pieces pieces = new Pieces(kld, meter);
            perplexity.run(done -> {
                pieces.add(done - 1);
                progress.accept(before + done);
            });
            scored = perplexity.scored();
            if (pieces.nearlyMost() > 0) {
                points.add(
                        new Point(setting.most, setting.share, meter.dosePerToken(), kld.value(), pieces.nearlyMost()));
            }
        }
        meter.pause();
        if (points.isEmpty()) {
            throw new IllegalArgumentException("--calibrate: no expert of " + model.name()
                    + " has little enough weight to be left out; a token of it has at most "
                    + model.engine().spec().mostExpertsPerToken() + " of a layer");
        }
        return new LossCalibration(text, scored, points);
    }

    /// Returns the figures for people.
    static String table(LossCalibration calibration) {
        Table table = Table.ofFigures()
                .row("left out up to", "of these", "dose", "KL divergence", "per dose", "in nine of ten windows");
        for (Point point : calibration.points()) {
            table.row(
                    PerplexityCommand.number(point.most()),
                    RunReport.percent(point.share()),
                    PerplexityCommand.number(point.dose()),
                    PerplexityCommand.number(point.kld()),
                    PerplexityCommand.number(point.kld() / point.dose()),
                    PerplexityCommand.number(point.kldPerDose()));
        }
        return table + "a dose costs at most " + PerplexityCommand.number(calibration.kldPerDose())
                + " nats; --max-kld goes by that\n";
    }
}
