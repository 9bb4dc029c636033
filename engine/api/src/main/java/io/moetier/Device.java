package io.moetier;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// What computes.
public sealed interface Device {
    /// The processor.
    Device CPU = new Cpu();

    /// Returns NVIDIA's GPUs of these numbers, with what is free of their memory.
    ///
    /// @throws MoetierException.NotPossible if there is no number, a negative one, or one twice
    static Gpus gpus(int... numbers) {
        return new Gpus(IntStream.of(numbers).boxed().toList(), List.of(), Misses.COPY, Optional.empty());
    }

    /// The processor.
    record Cpu() implements Device {}

    /// What becomes of the experts that a GPU lacks.
    enum Misses {
        /// They are copied to it.
        COPY,
        /// The processor computes them, which rounds otherwise than the GPU does.
        CPU,
        /// Some are copied and the others computed by the processor, as is faster; which ones changes from run to run,
        /// and so does the rounding.
        AUTO
    }

    /// NVIDIA's GPUs. The first computes all but experts, which are divided over all.
    ///
    /// @param numbers which ones, as the driver counts them from 0
    /// @param vramBytes budgets of all that they hold: one for each, or one for every one; empty for what is free
    /// there less a reserve
    /// @param misses what becomes of the experts that they lack
    /// @param driver a library to load in the place of NVIDIA's driver; all models of a process have the same
    record Gpus(List<Integer> numbers, List<Long> vramBytes, Misses misses, Optional<Path> driver) implements Device {
        /// @throws MoetierException.NotPossible if the numbers or budgets cannot be
        public Gpus {
            numbers = List.copyOf(numbers);
            vramBytes = List.copyOf(vramBytes);
            int least = numbers.stream().mapToInt(number -> number).min().orElse(-1);
            boolean once = numbers.stream().distinct().count() == numbers.size();
            int budgets = vramBytes.size();
            boolean above = vramBytes.stream().allMatch(bytes -> bytes > 0);
            Failures.require(least >= 0 && once, "numbers", "those of GPUs, each once", numbers);
            Failures.require(
                    budgets <= 1 || budgets == numbers.size(),
                    "vramBytes",
                    "one size, or one for each of the " + numbers.size() + " devices",
                    budgets);
            Failures.require(above, "vramBytes", "sizes above 0", vramBytes);
        }

        /// Returns the same GPUs with budgets of their memory: one for each, or one for every one.
        ///
        /// @throws MoetierException.NotPossible if there are neither so many
        public Gpus withVramBytes(long... bytes) {
            return new Gpus(numbers, LongStream.of(bytes).boxed().toList(), misses, driver);
        }

        /// Returns the same GPUs with another answer to misses.
        public Gpus withMisses(Misses choice) {
            return new Gpus(numbers, vramBytes, choice, driver);
        }

        /// Returns the same GPUs with a library in the place of NVIDIA's driver.
        public Gpus withDriver(Path library) {
            return new Gpus(numbers, vramBytes, misses, Optional.of(library));
        }
    }
}
