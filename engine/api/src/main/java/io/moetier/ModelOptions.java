package io.moetier;

import io.moetier.runtime.session.PhysicalCores;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// How a model is loaded. Each value has a default that suits most, and none but the device changes an answer.
///
/// @param memoryBytes budget for experts in main memory; empty for what fits beside the rest
/// @param contextLength tokens that a conversation can hold; 0 for the model's maximum, at most 4096
/// @param threads of the processor that compute, alone or what GPUs lack; 0 for one per physical core, at most four
///     for each processor that the JVM may use
/// @param device what computes
/// @param caching how experts come into memory and leave it
/// @param cache the folder for models that are imported on first use; empty for `.cache/moetier` in the user's home
/// @param importListener is told how an import goes
public record ModelOptions(
        OptionalLong memoryBytes,
        int contextLength,
        int threads,
        Device device,
        Caching caching,
        Optional<Path> cache,
        ImportListener importListener) {
    /// What most would choose.
    public static final ModelOptions DEFAULT = new ModelOptions(
            OptionalLong.empty(), 0, 0, Device.CPU, Caching.DEFAULT, Optional.empty(), ImportListener.SILENT);

    /// @throws MoetierException.NotPossible if a value is out of range
    public ModelOptions {
        long budget = memoryBytes.orElse(1);
        Failures.require(budget > 0, "memoryBytes", "above 0", budget);
        Failures.require(contextLength >= 0, "contextLength", "0 or more", contextLength);
        Failures.require(threads >= 0, "threads", "0 or more", threads);
        Failures.require(threads <= PhysicalCores.mostThreads(), "threads", PhysicalCores.limit(), threads);
        Failures.require(
                threads == 0 || !(device instanceof Device.Gpus gpus) || gpus.misses() != Device.Misses.COPY,
                "threads",
                "0 where the processor computes nothing",
                threads);
    }

    /// Returns these options with another budget for experts in main memory.
    public ModelOptions withMemoryBytes(long bytes) {
        return new ModelOptions(OptionalLong.of(bytes), contextLength, threads, device, caching, cache, importListener);
    }

    /// Returns these options with another context.
    public ModelOptions withContextLength(int tokens) {
        return new ModelOptions(memoryBytes, tokens, threads, device, caching, cache, importListener);
    }

    /// Returns these options with another number of threads.
    public ModelOptions withThreads(int count) {
        return new ModelOptions(memoryBytes, contextLength, count, device, caching, cache, importListener);
    }

    /// Returns these options with another device.
    public ModelOptions withDevice(Device choice) {
        return new ModelOptions(memoryBytes, contextLength, threads, choice, caching, cache, importListener);
    }

    /// Returns these options with another way for experts to come and go.
    public ModelOptions withCaching(Caching choice) {
        return new ModelOptions(memoryBytes, contextLength, threads, device, choice, cache, importListener);
    }

    /// Returns these options with a policy of Moetier's that needs no census: see [Eviction.Named].
    ///
    /// @throws MoetierException.NotPossible if there is none such
    public ModelOptions withPolicy(String name) {
        return withCaching(caching.withEviction(new Eviction.Named(name, Optional.empty())));
    }

    /// Returns these options with a policy of Moetier's that needs a census: see [Eviction.Named].
    ///
    /// @throws MoetierException.NotPossible if there is none such, or it needs none
    public ModelOptions withPolicy(String name, Path census) {
        return withCaching(caching.withEviction(new Eviction.Named(name, Optional.of(census))));
    }

    /// Returns these options with a policy of the embedder's.
    public ModelOptions withPolicy(EvictionPolicy.Factory factory) {
        return withCaching(caching.withEviction(new Eviction.Own(factory)));
    }

    /// Returns these options with another way of loading ahead.
    public ModelOptions withPrefetch(Caching.Prefetch choice) {
        return withCaching(caching.withPrefetch(choice));
    }

    /// Returns these options with another way to read experts.
    public ModelOptions withReading(Caching.Reading choice) {
        return withCaching(caching.withReading(choice));
    }

    /// Returns these options with another folder for imported models.
    public ModelOptions withCache(Path folder) {
        return new ModelOptions(
                memoryBytes, contextLength, threads, device, caching, Optional.of(folder), importListener);
    }

    /// Returns these options with another listener.
    public ModelOptions withImportListener(ImportListener listener) {
        return new ModelOptions(memoryBytes, contextLength, threads, device, caching, cache, listener);
    }
}
