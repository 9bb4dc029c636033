package io.moetier.kernels.cuda;

import io.moetier.kernels.GeneratedHeader;
import io.moetier.kernels.device.StreamShape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// What the launches in Java and the kernels in CUDA must number alike: numbers.cuh is made here.
class NumbersHeaderTest {
    @Test
    void theHeaderIsCurrent() throws IOException {
        GeneratedHeader.require(Path.of("src", "main", "cuda", "numbers.cuh"), text());
    }

    private static String text() {
        return """
            // Codes and sizes of what launches are given. NumbersHeaderTest makes this file from the classes that
            // launch, and says what to do after a change there.
            #pragma once

            // What becomes of a product.
            %s
            // What becomes of a router's logit.
            %s
            // What is done with each token.
            %s
            // Tasks of a product that come with the launch, and the bytes of one.
            constexpr int FEW_TASKS = %d;
            constexpr int TASK_BYTES = %d;

            // Tokens to embed that come with the launch.
            constexpr int FEW_TOKENS = %d;

            // Rows of activations that a block multiplies.
            constexpr int ROWS_TOGETHER = %d;

            // Operations of a launch, bytes of one, where they begin, and the factors that come with them.
            constexpr int MAX_OPERATIONS = %d;
            constexpr int OPERATION_BYTES = %d;
            constexpr int OPERATIONS_AT = %d;
            constexpr int FEW_FACTORS = %d;

            // Residual streams that are mixed at most.
            constexpr int MOST_STREAMS = %d;

            // Of attention: positions of a span, chunks whose addresses come with the launch, the longest query.
            constexpr int SPAN = %d;
            constexpr int FEW_CHUNKS = %d;
            constexpr int MAX_QUERY = %d;

            // Experts that a router chooses at most.
            constexpr int MOST_CHOSEN = %d;
            """.formatted(
                        codes("activations", Tasks.Activation.class),
                        codes("scores", RouterProducts.ScoreCode.class),
                        codes("operations", TokenProgram.Code.class),
                        Tasks.MOST_FEW,
                        Tasks.TASK_BYTES,
                        CudaKernels.MOST_FEW_TOKENS,
                        MatrixProducts.ROWS_TOGETHER,
                        TokenProgram.MOST_OPERATIONS,
                        TokenProgram.OPERATION_BYTES,
                        TokenProgram.OPERATIONS_AT,
                        TokenProgram.MOST_FACTORS,
                        StreamShape.MOST_STREAMS,
                        CacheAttention.SPAN,
                        ChunkTable.MOST_FEW_ADDRESSES / 2,
                        CacheAttention.MOST_QUERY,
                        RouterProducts.MOST_CHOSEN);
    }

    private static String codes(String namespace, Class<? extends Enum<?>> type) {
        return Arrays.stream(type.getEnumConstants())
                .map(constant -> "  " + constant.name())
                .collect(Collectors.joining(",\n", "namespace " + namespace + " {\nenum {\n", "\n};\n}\n"));
    }
}
