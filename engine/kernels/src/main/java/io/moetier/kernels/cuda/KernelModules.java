package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaContext;
import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaModule;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Owned;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The kernels: `engine/kernels/src/main/cuda` compiled. Those of a type of weights are loaded when somebody needs them
/// first, as the driver of a real device translates what it loads, a third of a second for each type, and a model has
/// few types.
final class KernelModules {
    private static final String PRODUCTS = "products";
    private static final String ROUNDED = "rounded";
    private static final String ROUTER = "router";

    /// The resources with PTX that have nothing of one type of weights.
    private static final List<String> COMMON =
            List.of(PRODUCTS, "tokens", "attention", "recurrent", "largest", ROUNDED, ROUTER);

    private final CudaContext context;
    private final Owned owned;
    private final Map<DType, ForType> forTypes = new EnumMap<>(DType.class);
    private final Map<DType, CudaFunction> rounded = new EnumMap<>(DType.class);
    private final Map<DType, ForRouter> forRouters = new EnumMap<>(DType.class);
    final CudaFunction activatePairs;
    final CudaFunction copyRows;
    final CudaFunction eachToken;
    final ForCache attend;
    final ForCache attendLatents;
    final ForCache attendChosen;
    final ForCache attendChosenLatents;
    final ForCache attendCompressed;
    final CudaFunction attendSequence;
    final CudaFunction attendSequenceOdd;
    final CudaFunction joinSpans;
    final CudaFunction indexScoresF16;
    final CudaFunction indexScoresF32;
    final CudaFunction chooseKeys;
    final CudaFunction causalConvolution;
    final CudaFunction selectiveScan;
    final CudaFunction linearAttention;
    final CudaFunction compress;
    final CudaFunction largestOfParts;
    final CudaFunction roundToOneDigit;
    final CudaFunction roundToThreeDigits;
    final CudaFunction chooseExperts;

    /// The kernels of a type of weights.
    ///
    /// @param one multiplies by one row of activations, `several` by any number of them
    /// @param gatedOne multiplies two matrices and activates, as `gated`
    record ForType(
            CudaFunction one, CudaFunction several, CudaFunction gatedOne, CudaFunction gated, CudaFunction embed) {}

    /// The kernels that multiply by a router of a type of weights and choose: for one row, and for several.
    private record ForRouter(CudaFunction one, CudaFunction several) {}

    /// The kernels of a kind of cache: rows of whole runs of sixteen bytes, and others.
    record ForCache(CudaFunction f16, CudaFunction f32, CudaFunction oddF16, CudaFunction oddF32) {
        CudaFunction of(boolean half, boolean odd) {
            return half ? odd ? oddF16 : f16 : odd ? oddF32 : f32;
        }
    }

    /// @param owned closes each module that was loaded, also where a later one is not
    KernelModules(CudaContext context, Owned owned) {
        this.context = context;
        this.owned = owned;
        CudaModule products = load(PRODUCTS);
        activatePairs = products.function("activate_pairs");
        copyRows = products.function("copy_rows");
        eachToken = load("tokens").function("each_token");
        CudaModule attention = load("attention");
        attend = forCache(attention, "attend");
        attendLatents = forCache(attention, "attend_latents");
        attendChosen = forCache(attention, "attend_chosen");
        attendChosenLatents = forCache(attention, "attend_chosen_latents");
        attendCompressed = forCache(attention, "attend_compressed");
        attendSequence = attention.function("attend_sequence");
        attendSequenceOdd = attention.function("attend_sequence_odd");
        joinSpans = attention.function("join_spans");
        indexScoresF16 = attention.function("index_scores_f16");
        indexScoresF32 = attention.function("index_scores_f32");
        chooseKeys = attention.function("choose_keys");
        CudaModule recurrent = load("recurrent");
        causalConvolution = recurrent.function("causal_convolution");
        selectiveScan = recurrent.function("selective_scan");
        linearAttention = recurrent.function("linear_attention");
        compress = recurrent.function("compress");
        largestOfParts = load("largest").function("largest_of_parts");
        CudaModule rounding = load(ROUNDED);
        roundToOneDigit = rounding.function("round_to_one_digit");
        roundToThreeDigits = rounding.function("round_to_three_digits");
        chooseExperts = load(ROUTER).function("choose_experts");
    }

    /// Returns the names of all resources with PTX.
    static List<String> names() {
        List<String> names = new ArrayList<>(COMMON);
        for (DType dtype : DType.values()) {
            names.add(name(PRODUCTS, dtype));
            if (ActivationType.Q8.rounds(dtype, ActivationType.LEAST_ROWS)) {
                names.add(name(ROUNDED, dtype));
            }
            if (isOfRouters(dtype)) {
                names.add(name(ROUTER, dtype));
            }
        }
        return names;
    }

    private static String name(String source, DType dtype) {
        return source + "-" + dtype.label();
    }

    private static boolean isOfRouters(DType dtype) {
        return dtype.blockElements() == 1;
    }

    private CudaModule load(String name) {
        CudaModule module = context.load(ptx(name));
        owned.add(module::close);
        return module;
    }

    /// Returns the text of a resource.
    static String ptx(String name) {
        try (InputStream in = KernelModules.class.getResourceAsStream(name + ".ptx")) {
            return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Loads what multiplies by weights of a type, and chooses by routers of it.
    void prepare(DType dtype, ActivationType activations) {
        of(dtype);
        if (activations.rounds(dtype, ActivationType.LEAST_ROWS)) {
            rounded(dtype);
        }
        router(dtype, true);
    }

    private ForType loadType(DType dtype) {
        CudaModule products = load(name(PRODUCTS, dtype));
        return new ForType(
                products.function("multiply_one_" + dtype.label()),
                products.function("multiply_" + dtype.label()),
                products.function("multiply_gated_one_" + dtype.label()),
                products.function("multiply_gated_" + dtype.label()),
                products.function("embed_" + dtype.label()));
    }

    private static ForCache forCache(CudaModule attention, String name) {
        return new ForCache(
                attention.function(name + "_f16"),
                attention.function(name + "_f32"),
                attention.function(name + "_odd_f16"),
                attention.function(name + "_odd_f32"));
    }

    ForType of(DType dtype) {
        ForType known = forTypes.get(dtype);
        if (known == null) {
            known = loadType(dtype);
            forTypes.put(dtype, known);
        }
        return known;
    }

    /// Returns what multiplies one matrix, or two and activates, by rounded rows.
    ///
    /// @param dtype one of those that [ActivationType#rounds]
    CudaFunction rounded(DType dtype) {
        CudaFunction known = rounded.get(dtype);
        if (known == null) {
            known = load(name(ROUNDED, dtype)).function("multiply_rounded_" + dtype.label());
            rounded.put(dtype, known);
        }
        return known;
    }

    /// Returns the kernel that multiplies by a router and chooses; null for types that have none.
    @Nullable
    CudaFunction router(DType dtype, boolean one) {
        if (!isOfRouters(dtype)) {
            return null;
        }
        ForRouter known = forRouters.get(dtype);
        if (known == null) {
            CudaModule module = load(name(ROUTER, dtype));
            known = new ForRouter(
                    module.function("route_one_" + dtype.label()), module.function("route_" + dtype.label()));
            forRouters.put(dtype, known);
        }
        return one ? known.one() : known.several();
    }
}
