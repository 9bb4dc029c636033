package io.moetier.kernels.tensor;

import io.moetier.kernels.GeneratedHeader;
import io.moetier.storage.format.CodeGrid;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// The points of [CodeGrid] for C and for CUDA: grids.h and grids.cuh are made here, and nowhere written by hand.
class GridHeadersTest {
    private static final int NUMBERS_OF_LINE = 14;

    @Test
    void theHeaderForCIsCurrent() throws IOException {
        GeneratedHeader.require(
                Path.of("src", "main", "native", "grids.h"), """
            /*
             * The points that weights of few bits choose from, sixteen bits each: eight codes of two bits, or four of three.
             * GridHeadersTest makes this file from CodeGrid, and says what to do after a change there.
             */
            #ifndef MOETIER_GRIDS_H
            #define MOETIER_GRIDS_H

            #include <stdint.h>

            /* Points are read 32 bits at a time, and so one more number follows the last one. */
            %s
            #endif
            """.formatted(all(grid -> "static const uint16_t "
                        + name(grid) + "[" + (grid.size() + 1) + "] = {\n" + points(grid) + ", 0};\n")));
    }

    @Test
    void theHeaderForCudaIsCurrent() throws IOException {
        GeneratedHeader.require(Path.of("src", "main", "cuda", "grids.cuh"), """
            // The points that weights of few bits choose from, sixteen bits each: eight codes of two bits, or four of three.
            // GridHeadersTest makes this file from CodeGrid, and says what to do after a change there.
            #pragma once
            #include <stdint.h>

            %s""".formatted(all(grid ->
                "__device__ const uint16_t " + name(grid) + "[" + grid.size() + "] = {\n" + points(grid) + "};\n")));
    }

    private static String all(Function<CodeGrid, String> table) {
        return Arrays.stream(CodeGrid.values()).map(table).collect(Collectors.joining());
    }

    private static String name(CodeGrid grid) {
        return grid.name().toLowerCase(Locale.ROOT) + "_points";
    }

    private static String points(CodeGrid grid) {
        return IntStream.range(0, grid.size())
                .mapToObj(i -> (i == 0 ? "    " : i % NUMBERS_OF_LINE == 0 ? ",\n    " : ", ")
                        + String.format(Locale.ROOT, "0x%04x", grid.point(i)))
                .collect(Collectors.joining());
    }
}
