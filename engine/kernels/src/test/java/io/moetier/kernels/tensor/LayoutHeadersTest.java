package io.moetier.kernels.tensor;

import io.moetier.kernels.GeneratedHeader;
import io.moetier.kernels.device.KvLayer;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Where weights and caches lie, for C and for CUDA: layout.h and layout.cuh are made from [DType], [TileLayout] and
/// [KvLayer] here, and nowhere written by hand.
class LayoutHeadersTest {
    private static final int LINE = 120;

    @Test
    void theHeaderForCIsCurrent() throws IOException {
        GeneratedHeader.require(Path.of("src", "main", "native", "layout.h"), forC());
    }

    @Test
    void theHeaderForCudaIsCurrent() throws IOException {
        GeneratedHeader.require(Path.of("src", "main", "cuda", "layout.cuh"), forCuda());
    }

    private static String forC() {
        String numbers = Arrays.stream(DType.values()).map(DType::name).collect(Collectors.joining(",\n    "));
        return """
            /*
             * Where weights and caches lie. LayoutHeadersTest makes this file from DType, TileLayout and KvLayer, and
             * says what to do after a change there.
             */
            #ifndef MOETIER_LAYOUT_H
            #define MOETIER_LAYOUT_H

            /* The ordinals of io.moetier.storage.model.DType. */
            enum {
                %s
            };

            /* Rows that are interleaved. */
            #define ROWS %d

            /* Of keys and values. */
            #define CHUNK_POSITIONS %d
            #define TILE_KEYS %d

            /* Of a block that sixteen rows share: columns, bytes, and where its parts begin. */
            %s
            /* Returns the columns of a block of sixteen rows. */
            static inline __attribute__((always_inline)) int block_cols(int type) {
            %s}

            /* Returns the bytes of a block of sixteen rows. */
            static inline __attribute__((always_inline)) int block_bytes(int type) {
            %s}

            #endif
            """.formatted(
                        numbers,
                        WeightMatrix.TILE_ROWS,
                        KvLayer.CHUNK_POSITIONS,
                        KvLayer.TILE_KEYS,
                        types().map(LayoutHeadersTest::constants).collect(Collectors.joining()),
                        cases("COLS"),
                        cases("BYTES"));
    }

    private static Stream<DType> types() {
        return Arrays.stream(DType.values());
    }

    private static String constants(DType dtype) {
        TileLayout layout = TileLayout.of(dtype);
        StringBuilder text = new StringBuilder("enum {");
        int line = text.length();
        String separator = "";
        for (String constant : (Iterable<String>) Stream.concat(
                Stream.of(dtype + "_COLS = " + layout.elements, dtype + "_BYTES = " + layout.tileBlockBytes()),
                parts(layout, part -> dtype + "_" + part))::iterator) {
            if (line + separator.length() + constant.length() + 4 > LINE) {
                text.append(separator.strip()).append("\n     ");
                line = 5;
                separator = "";
            }
            text.append(separator.isEmpty() ? " " : separator).append(constant);
            line += constant.length() + 2;
            separator = ", ";
        }
        return text.append(" };\n").toString();
    }

    private static Stream<String> parts(TileLayout layout, Function<String, String> name) {
        return layout.parts().stream()
                .map(part -> name.apply(part.name().toUpperCase(Locale.ROOT)) + " = " + part.to());
    }

    private static String cases(String constant) {
        return types().map(dtype -> "        case " + dtype + ":\n            return " + dtype + "_" + constant + ";\n")
                .collect(Collectors.joining(
                        "", "    switch (type) {\n", "        default:\n            return 0;\n    }\n"));
    }

    private static String forCuda() {
        return """
            // Where weights and caches lie. LayoutHeadersTest makes this file from DType, TileLayout and KvLayer, and
            // says what to do after a change there.
            #pragma once

            // Rows that are interleaved.
            constexpr int TILE_ROWS = %d;

            // Of keys and values.
            constexpr int CHUNK_POSITIONS = %d;
            constexpr int TILE_KEYS = %d;

            // Of each type: columns and bytes of a block of sixteen rows, and where its parts begin in it.
            namespace layout {
            %s}
            """.formatted(
                        WeightMatrix.TILE_ROWS,
                        KvLayer.CHUNK_POSITIONS,
                        KvLayer.TILE_KEYS,
                        types().map(LayoutHeadersTest::struct).collect(Collectors.joining()));
    }

    private static String struct(DType dtype) {
        TileLayout layout = TileLayout.of(dtype);
        return Stream.concat(
                        Stream.of("BLOCK_COLS = " + layout.elements, "BLOCK_BYTES = " + layout.tileBlockBytes()),
                        parts(layout, Function.identity()))
                .map(constant -> "  static constexpr int " + constant + ";\n")
                .collect(Collectors.joining("", "struct " + dtype + " {\n", "};\n"));
    }
}
