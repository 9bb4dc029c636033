package io.moetier.lab.plan;

import io.moetier.kernels.device.KvType;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.MemoryForecast;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.memory.MemoryLimit;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Says of a model, a place and a context what memory it takes and how fast it is.
///
/// @param limits of main memory
/// @param io how missing experts are read
/// @param sentence what people are told of an option that cannot be
public record Planner(
        List<MemoryLimit> limits,
        RoutingKnowledge routing,
        IoMode io,
        Function<InvalidOptionException, String> sentence) {
    public Planner {
        limits = List.copyOf(limits);
    }

    /// Returns the same with so many times the memory.
    Planner withMemory(double factor) {
        List<MemoryLimit> larger = limits.stream()
                .map(limit -> new MemoryLimit(
                        limit.kind(), limit.what(), Math.round(factor * limit.bytes()), limit.usedBytes()))
                .toList();
        return new Planner(larger, routing, io, sentence);
    }

    /// Returns what becomes of a candidate.
    public Alternative plan(Candidate candidate, Place place, int contextLength) {
        PlannedModel model = candidate.model();
        long available =
                limits.stream().mapToLong(MemoryLimit::availableBytes).min().orElse(0);
        boolean pastCache = io.isPastCache(model.bytes(), available);
        boolean cached = io.isCached(model.bytes(), available);
        EngineConfig config = EngineConfig.DEFAULT.withContextLength(contextLength);
        try {
            MemoryForecast memory = MemoryForecast.of(model.memory(), config, limits, place.device(), pastCache);
            Optional<SpeedForecast> speed =
                    place.machine().flatMap(machine -> speed(model, memory, place, machine, cached));
            return new Alternative(candidate, place, contextLength, Optional.of(memory), speed, Optional.empty());
        } catch (InvalidOptionException e) {
            return new Alternative(
                    candidate,
                    place,
                    contextLength,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.of(sentence.apply(e)));
        }
    }

    private Optional<SpeedForecast> speed(
            PlannedModel model, MemoryForecast memory, Place place, MachineProfile machine, boolean cached) {
        MachineProfile reading = cached ? machine.withCachedFiles() : machine;
        double state = KvCache.bytes(model.spec(), KvType.F16, SpeedForecast.promptTokens(memory.contextLength()));
        return SpeedForecast.of(model, memory, new SpeedForecast.Basis(reading, place.prompts(), routing), state);
    }
}
