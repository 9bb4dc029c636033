package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.storage.model.DType;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlockLayoutTest {
    @Test
    void partsStartOnCacheLinesAndSlotsOnPages() {
        BlockLayout layout =
                BlockLayout.EMPTY.with("gate", DType.BF16, 5, 10, 100).with("up", DType.BF16, 5, 10, 100);

        assertEquals(0, layout.part("gate").offset());
        assertEquals(128, layout.part("up").offset());
        assertEquals(228, layout.blockBytes());
        assertEquals(4096, layout.slotBytes());
        assertEquals(8192, BlockLayout.EMPTY.with("x", DType.F32, 1, 1, 4097).slotBytes());
    }

    @Test
    void refusesPartsThatOverlapAreMisalignedOrShareAName() {
        BlockPart first = new BlockPart("a", DType.F32, 1, 1, 0, 100);

        assertThrows(
                IllegalArgumentException.class,
                () -> new BlockLayout(List.of(first, new BlockPart("b", DType.F32, 1, 1, 64, 4))));
        assertThrows(IllegalArgumentException.class, () -> new BlockPart("b", DType.F32, 1, 1, 100, 4));
        assertThrows(
                IllegalArgumentException.class, () -> new BlockLayout(List.of(first)).with("a", DType.F32, 1, 1, 4));
        assertThrows(IllegalArgumentException.class, () -> BlockLayout.EMPTY.part("none"));
    }
}
