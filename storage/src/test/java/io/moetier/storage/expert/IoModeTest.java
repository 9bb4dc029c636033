package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class IoModeTest {
    @Test
    void autoGoesPastTheCacheWhereNoEighthIsLeftForEverythingElse() {
        assertFalse(IoMode.AUTO.isPastCache(800, 900));
        assertTrue(IoMode.AUTO.isPastCache(801, 900));
    }

    @ParameterizedTest
    @EnumSource
    void whoeverNamesAWayGetsIt(IoMode mode) {
        if (mode != IoMode.AUTO) {
            for (long bytes : new long[] {1, 1000}) {
                assertTrue(mode.isPastCache(bytes, 100) == (mode == IoMode.DIRECT));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void halfOfTheMemoryKeepsFilesUnlessReadsGoPastIt(IoMode mode) {
        assertTrue(mode.isCached(450, 900) == (mode != IoMode.DIRECT));
        assertFalse(mode.isCached(451, 900));
    }
}
