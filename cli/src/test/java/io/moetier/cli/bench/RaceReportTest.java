package io.moetier.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.expert.DiskRate;
import io.moetier.storage.format.Json;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class RaceReportTest {
    private static final MemoryShare LIMIT = new MemoryShare("50%", 1 << 30);
    private static final DiskRate DISK = new DiskRate(2e9, 2, "direct");
    private static final RaceResult OWN = new RaceResult(
            "moetier",
            Optional.of(new Steps(128, 4, List.of(new Steps.Step(0.5, 0), new Steps.Step(0.25, 250_000_000)))),
            12.5,
            3L << 30,
            OptionalLong.of(1 << 30),
            "");
    private static final RaceResult SLOW = new RaceResult(
            "peer, mapped",
            Optional.of(new Steps(128, 8, List.of(new Steps.Step(4, 0)))),
            20,
            0,
            OptionalLong.empty(),
            "1 token");
    private static final RaceResult KILLED =
            new RaceResult("peer, copied", Optional.empty(), 1, 0, OptionalLong.empty(), "ended with 1: a|b");

    @Test
    void ratiosAreToMoetier() {
        assertEquals("""
                | engine | memory | prompt | generation | steady | ratio | seconds | read | of the disk | peak |  |
                | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
                | moetier | 50% | 32.0 | 2.67 | 4.00 | 1.00 | 12.5 | 3.00 GiB | 50.0 % | 1.00 GiB |  |
                | peer, mapped | 50% | 16.0 | 0.25 | 0.25 | 16.0 | 20.0 | 0 B | 0.0 % |  | 1 token |
                | peer, copied | 50% |  |  |  |  | 1.0 | 0 B |  |  | ended with 1: a\\|b |
                """, report(List.of(OWN), List.of(SLOW, KILLED)).markdown());
    }

    @Test
    void withoutFiguresOfMoetierThereIsNoRatio() {
        RaceReport report = report(List.of(KILLED), List.of(SLOW));
        assertTrue(report.markdown().contains("| 0.25 | 0.25 |  | 20.0 |"), report.markdown());
        String json = Json.write(report.fields());
        assertTrue(!json.contains("ratio") && json.contains("\"remark\":\"1 token\""), json);
    }

    @Test
    void peopleAreToldTheDiskAndTheFactsInTheSameDigitsEverywhere() {
        Locale before = Locale.getDefault();
        Locale.setDefault(Locale.forLanguageTag("ar-EG"));
        try {
            String table = report(List.of(OWN), List.of()).table(Map.of("peer", "llama.cpp"));
            assertTrue(
                    table.endsWith("\n\ndisk at 50%  2.0 GB/s by 2 at once, direct\npeer         llama.cpp\n"), table);
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void limitsAreSizesOrShares() {
        assertEquals(
                List.of(new MemoryShare("2K", 2048), new MemoryShare("15%", 150)), MemoryShare.parse("2K,15%", 1000));
        for (String bad : List.of("0%", "101%", "half", "", "50%,", "x%")) {
            assertThrows(IllegalArgumentException.class, () -> MemoryShare.parse(bad, 1000), bad);
        }
    }

    private static RaceReport report(List<RaceResult> own, List<RaceResult> others) {
        RaceReport report = new RaceReport();
        report.add(new RaceReport.Leg(LIMIT, DISK, own, others));
        return report;
    }
}
