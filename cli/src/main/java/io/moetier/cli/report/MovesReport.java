package io.moetier.cli.report;

import io.moetier.cli.terminal.Plural;
import io.moetier.runtime.offload.PinnedTier;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.slots.SlotMoves;
import io.moetier.runtime.slots.SlotMoves.Moved;
import io.moetier.storage.memory.ByteSize;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// What slots of experts were given back, because memory was needed for something else, and taken again.
public final class MovesReport {
    private MovesReport() {}

    /// Returns it in one line, if there was any.
    public static Optional<String> words(Engine engine) {
        List<ResidentSummary> tiers = engine.expertTiers().residentSummaries();
        List<String> words = new ArrayList<>();
        if (engine.pinnedTier().isPresent()) {
            for (int i = 0; i < tiers.size(); i++) {
                String why = (tiers.size() == 1 ? "the GPU" : "device " + i) + " ran out of memory";
                add(words, why, "slots for experts", engine.expertTiers().movesOn(i), tiers.get(i));
            }
        }
        engine.pinnedTier()
                .map(PinnedTier::residentSummary)
                .ifPresentOrElse(
                        pinned -> add(words, "memory got short", "pinned slots", moves(engine), pinned),
                        () -> add(words, "memory got short", "slots for experts", moves(engine), tiers.getFirst()));
        return words.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", words));
    }

    private static SlotMoves moves(Engine engine) {
        return engine.expertTiers().moves();
    }

    private static void add(List<String> words, String why, String slots, SlotMoves moves, ResidentSummary tier) {
        int given = moves.givenBack().slots();
        int taken = moves.takenAgain().slots();
        if (given > 0) {
            words.add(String.format(
                    Locale.ROOT,
                    "%s, so %d of %d %s were given back%s",
                    why,
                    given,
                    tier.numGivenBack() + tier.slots().number(),
                    slots,
                    taken == 0 ? "" : " and " + taken + " taken again"));
        }
    }

    /// Adds rows to a table that say how much moved, and when.
    static void addTo(Table table, Engine engine) {
        words(engine).ifPresent(words -> table.row("shortage", words));
        if (engine.pinnedTier().isPresent()) {
            for (int i = 0; i < engine.expertTiers().numDevices(); i++) {
                add(table, "on device " + i, engine.expertTiers().movesOn(i));
            }
        }
        add(table, "in memory", moves(engine));
    }

    private static void add(Table table, String where, SlotMoves moves) {
        add(table, "  given back " + where, moves.givenBack());
        add(table, "  taken again " + where, moves.takenAgain());
    }

    private static void add(Table table, String what, Moved moved) {
        if (moved.slots() > 0) {
            table.row(
                    what,
                    String.format(
                            Locale.ROOT,
                            "%s, %s, %.1f to %.1f s after loading",
                            Plural.of(moved.slots(), "slot"),
                            ByteSize.format(moved.bytes()),
                            moved.firstNanos() / 1e9,
                            moved.lastNanos() / 1e9));
        }
    }

    /// Returns the figures under the names that `--json` prints: of the fastest tier, over all devices, and of pinned
    /// memory if there is any.
    public static Map<String, Object> fields(Engine engine) {
        Map<String, Object> fields = new LinkedHashMap<>();
        if (engine.pinnedTier().isEmpty()) {
            put(fields, "expert_slots", moves(engine));
        } else {
            put(
                    fields,
                    "expert_slots",
                    IntStream.range(0, engine.expertTiers().numDevices())
                            .mapToObj(engine.expertTiers()::movesOn)
                            .reduce(SlotMoves::plus)
                            .orElseThrow());
            put(fields, "pinned_slots", moves(engine));
        }
        return fields;
    }

    private static void put(Map<String, Object> fields, String slots, SlotMoves moves) {
        put(fields, slots + "_given_back", moves.givenBack());
        put(fields, slots + "_taken_again", moves.takenAgain());
    }

    /// Times only where there are some.
    private static void put(Map<String, Object> fields, String name, Moved moved) {
        fields.put(name, moved.slots());
        if (moved.slots() > 0) {
            fields.put(name + "_bytes", moved.bytes());
            fields.put(name + "_seconds", List.of(moved.firstNanos() / 1e9, moved.lastNanos() / 1e9));
        }
    }
}
