package io.moetier.cli.throughput;

import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.Estimate;
import io.moetier.lab.throughput.Measured;
import io.moetier.lab.throughput.Parts.Part;
import io.moetier.lab.throughput.Peaks;
import io.moetier.storage.memory.ByteSize;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The figures of a sweep as tables.
///
/// @param all in the order in which they were measured
record ProfileTable(List<Measured> all) {
    /// Returns a row for each point.
    Table points() {
        Table table = Table.ofFigures()
                .row("test", "budget", "threads", "tokens/s", "95 %", "hit rate", "of bound", "bound", "rounds");
        for (Measured each : all) {
            Estimate rate = each.tokensPerSecond();
            table.row(
                    each.of().label(),
                    Case.setting(each.of().budget(), 0, each.of().maxKld()),
                    each.of().threads() == 0 ? "GPU" : each.of().threads(),
                    RunReport.rate(rate.value()),
                    RunReport.rate(rate.low()) + " to " + RunReport.rate(rate.high()),
                    RunReport.percent(each.hitRate()),
                    each.bound().isEmpty() ? "–" : RunReport.percent(each.shareOfBound()),
                    each.bound().isEmpty() ? "–" : each.bound(),
                    each.samples().rounds().size() + (each.warmUp().isPresent() ? "" : " *"));
        }
        return table;
    }

    /// Returns a row for each kind of parts of one point.
    static Table parts(Measured of) {
        Table table = Table.ofFigures()
                .row("part of a step", "ms", "share", "memory", "operations", "moved", "of bound", "bound");
        for (Map.Entry<String, Part> entry : of.parts().byKind().entrySet()) {
            Part part = entry.getValue();
            Peaks peaks = of.peaks();
            double moved = part.work().diskBytes() + part.work().linkBytes();
            boolean bounded = part.seconds() > 0 && peaks.bound(part.work()).isPresent();
            table.row(
                    entry.getKey(),
                    String.format(Locale.ROOT, "%.3f", 1e3 * part.seconds()),
                    RunReport.percent(of.parts().share(entry.getKey())),
                    ByteSize.format(part.work().bytes()),
                    operations(part.work().operations()),
                    moved == 0 ? "" : ByteSize.format(moved),
                    bounded ? RunReport.percent(peaks.seconds(part.work()) / part.seconds()) : "–",
                    bounded ? peaks.bound(part.work()).orElseThrow().label() : "–");
        }
        return table;
    }

    static String operations(double count) {
        return count >= 1e9
                ? String.format(Locale.ROOT, "%.2f G", count / 1e9)
                : String.format(Locale.ROOT, "%.2f M", count / 1e6);
    }
}
