package io.moetier.cli.throughput;

import io.moetier.cli.report.ExpertsUsed.Loss;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.Measured;
import io.moetier.storage.model.Phase;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What generation gains by a limit of loss.
///
/// @param exact the same without loss
record Gain(Measured exact, Measured lossy, Loss loss) {
    /// Returns that of a setting, if it has a limit, at the least depth.
    ///
    /// @param all points, those without loss among them
    static Optional<Gain> of(SettingResult result, List<Measured> all) {
        if (result.setting().maxKld() == 0 || result.loss().isEmpty()) {
            return Optional.empty();
        }
        Loss loss = result.loss().get();
        return result.measured().stream()
                .filter(each -> each.of().phase() == Phase.DECODE)
                .min(Comparator.comparingInt(each -> each.of().depth()))
                .flatMap(lossy -> all.stream()
                        .filter(each -> each.of().equals(exact(lossy.of())))
                        .findFirst()
                        .map(exact -> new Gain(exact, lossy, loss)));
    }

    private static Case exact(Case of) {
        return new Case(of.phase(), of.tokens(), of.depth(), of.budget(), of.threads(), 0);
    }

    String sentence() {
        return String.format(
                Locale.ROOT,
                "A loss of up to %s nats, of which about %.2g were spent, generates %.2f times as fast with %s;"
                        + " %,d %s saved.",
                lossy.of().maxKld(),
                loss.estimatedKld(),
                rate(lossy) / rate(exact),
                Case.setting(exact.of().budget(), exact.of().threads(), 0),
                loss.loadsSaved(),
                loss.loadsSaved() == 1 ? "load was" : "loads were");
    }

    static double rate(Measured of) {
        return of.tokensPerSecond().value();
    }
}
