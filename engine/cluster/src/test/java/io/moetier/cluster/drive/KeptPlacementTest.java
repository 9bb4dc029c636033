package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.cluster.placement.Placement;
import io.moetier.cluster.placement.Placer;
import io.moetier.cluster.placement.PlacerInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptPlacementTest {
    private static final int[] IDS = {0, 1};
    private static final Placement FIRST = placement(0);
    private static final Placement SECOND = placement(1L << 30);

    @TempDir
    Path folder;

    private Optional<Path> file = Optional.empty();

    @BeforeEach
    void name() {
        file = Optional.of(folder.resolve("a/model.placement"));
    }

    @Test
    void outlivesTheWholeCluster() {
        kept("model", new FakeTables(), file).replace(FIRST);
        FakeTables empty = new FakeTables();
        KeptPlacement later = kept("model", empty, file);
        assertEquals(Optional.of(FIRST), later.inForce());
        later.replace(FIRST);
        assertEquals(Set.of(), empty.models()); // nothing has changed
        later.replace(SECOND);
        assertArrayEquals(SECOND.bytes(), empty.table("model").orElseThrow());
        assertEquals(Optional.of(SECOND), kept("model", new FakeTables(), file).inForce());
    }

    @Test
    void whatMembersKnowCountsMore() {
        kept("model", new FakeTables(), file).replace(FIRST);
        FakeTables tables = new FakeTables();
        tables.publish("model", SECOND.bytes());
        assertEquals(Optional.of(SECOND), kept("model", tables, file).inForce());
    }

    @Test
    void whatCannotBeReadIsNone() throws IOException {
        kept("model", new FakeTables(), file).replace(FIRST);
        Files.write(file.orElseThrow(), new byte[] {1, 2, 3});
        FakeTables tables = new FakeTables();
        tables.publish("model", new byte[] {4});
        assertEquals(Optional.empty(), kept("model", tables, file).inForce());
        assertEquals(
                Optional.empty(),
                kept("other", new FakeTables(), Optional.empty()).inForce());
        tables.publish("model", SECOND.bytes());
        int[] others = {0, 2};
        assertEquals(
                Optional.empty(),
                new KeptPlacement("model", others, tables, Optional.empty(), Assertions::fail).inForce());
    }

    private static KeptPlacement kept(String model, FakeTables tables, Optional<Path> in) {
        return new KeptPlacement(model, IDS, tables, in, Assertions::fail);
    }

    private static Placement placement(long nodeBytes) {
        List<PlacerInput.Capacity> members = List.of(
                new PlacerInput.Capacity("", 1 << 20, 1e9, 1e8, 0, new int[0]),
                new PlacerInput.Capacity("a", nodeBytes, 1e10, 1e8, 1e-9, new int[0]));
        return Placer.place(new PlacerInput(
                IDS, new long[] {1 << 20, 1 << 20}, new double[] {0.5, 0.5}, members, Optional.empty()));
    }
}
