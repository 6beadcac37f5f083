import ArgumentParser
import ViTToolkit

/// What a user can say about a checkpoint's model; shared by the subcommands that open one.
struct ModelArguments: ParsableArguments {
    @Option(help: "Which nested dictionary holds the weights (state_dict_ema, say).")
    var select: String?

    @Option(
        help: "The naming scheme of the tensors, instead of telling it (see: vit-convert schemes).",
        completion: .schemes)
    var scheme: String?

    @Option(
        help: ArgumentHelp(
            "A naming scheme of your own, as JSON (start from: vit-convert suggest-rules FILE).",
            valueName: "file"), completion: .file(extensions: ["json"]))
    var rules: String?

    @Option(help: "The number of attention heads, where shapes cannot tell.")
    var heads: Int?

    @Option(
        help: ArgumentHelp(
            "The form of GELU: exact, tanh or quick; for torch's Transformer, that it is GELU and not ReLU.",
            valueName: "form"))
    var gelu: ViTConfiguration.GELU?

    @Flag(help: "For torch's Transformer: its norms stand before the branches.")
    var normFirst = false

    @Option(help: "The epsilon of every LayerNorm.")
    var layerNormEpsilon: Double?

    @Option(
        help: ArgumentHelp(
            "The image size in pixels; the position embedding is resampled when it has another.",
            valueName: "N|HxW"))
    var imageSize: ViTConfiguration.Size?

    @Option(
        help: ArgumentHelp(
            "How tokens become features: token or avg, where names do not tell.", valueName: "kind"))
    var pool: ViTConfiguration.Pooling?

    /// The files that it names.
    var files: [String] { [rules].compactMap { $0 } }

    /// - Throws: what is wrong with the rules file.
    func options() throws -> ModelOptions {
        var options = ModelOptions()
        if let rules { try options.readRules(at: rules) }
        options.select = select
        options.scheme = scheme
        options.heads = heads
        options.gelu = gelu
        options.normFirst = normFirst ? true : nil
        options.layerNormEpsilon = layerNormEpsilon
        options.imageSize = imageSize
        options.pooling = pool
        return options
    }

    func validate() throws {
        if scheme != nil, rules != nil { throw ValidationError("--scheme and --rules exclude each other.") }
        if let heads, heads < 1 { throw ValidationError("--heads must be 1 or more.") }
        if let layerNormEpsilon, !(layerNormEpsilon > 0 && layerNormEpsilon < 1) {
            throw ValidationError("--layer-norm-epsilon must lie between 0 and 1.")
        }
    }
}

/// What in a checkpoint is laid out otherwise than its names and shapes say.
struct RepairArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The order of the rows of attn.qkv, where it is not qkv: kqv …, per-head-qkv …, per-element-qkv …",
            valueName: "order"))
    var qkvOrder: QKVOrder?

    @Option(
        help: ArgumentHelp(
            "Kernels that stand transposed: attn.proj, attn.qkv, square (every square one) or patch_embed.",
            valueName: "kernels"))
    var transposedKernels: TransposedKernels?

    @Option(
        help: ArgumentHelp(
            """
            How the rows of the position embedding are arranged: class-last, class-absent (no position is added to \
            the class token), transposed (patches in column-major order) or none (no positions are added).
            """, valueName: "arrangement"))
    var posEmbed: PositionArrangement?

    @Option(
        help: ArgumentHelp(
            """
            How --image-size resamples positions: bicubic-antialias (timm), bicubic (transformers), bicubic-aligned \
            (torchvision), bilinear or bilinear-aligned (Google).
            """, valueName: "method"))
    var posEmbedResampling: PositionInterpolation = .bicubicAntialias

    func apply(to options: inout ModelOptions) {
        options.repairs.qkvOrder = qkvOrder
        options.repairs.transposed = transposedKernels
        options.repairs.positions = posEmbed
        options.interpolation = posEmbedResampling
    }
}

/// How a reference stands to the model's input and logits.
struct ReferenceArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            What is done to the reference's images first, joined by commas: scale (divide by 255), unscale, bgr, \
            imagenet, inception, clip (normalise by their mean and deviation), undo-imagenet, undo-inception, undo-clip.
            """, valueName: "steps"))
    var preprocess: ImageSteps = ImageSteps()

    @Option(
        help: ArgumentHelp(
            "What is done to the model's logits before they are compared: softmax, sigmoid or log-softmax.",
            valueName: "function"))
    var apply: ReferenceForm.OutputActivation?

    var form: ReferenceForm {
        var form = ReferenceForm()
        form.steps = preprocess.steps
        form.output = apply
        return form
    }
}

/// Steps of preprocessing, joined by commas.
struct ImageSteps: ExpressibleByArgument {
    let steps: [ReferenceForm.ImageStep]

    init() { steps = [] }

    init?(argument: String) {
        let words = argument.split(separator: ",", omittingEmptySubsequences: false)
        steps = words.compactMap { ReferenceForm.ImageStep(rawValue: String($0)) }
        if steps.count != words.count { return nil }
    }

    var defaultValueDescription: String { "none" }
}

extension QKVOrder: ExpressibleByArgument {
    /// As it is spelled: `kqv`, `per-head-qkv`.
    public init?(argument: String) { self.init(argument) }
}

extension TransposedKernels: ExpressibleByArgument {}

extension PositionArrangement: ExpressibleByArgument {}

extension PositionInterpolation: ExpressibleByArgument {}

extension ReferenceForm.OutputActivation: ExpressibleByArgument {}

/// The changes that a conversion can make.
struct AdaptationArguments: ParsableArguments {
    @Option(help: "The number of classes; a head with another number is initialised anew.")
    var numClasses: Int?

    @Flag(help: "Leave the head out: the model gives features.")
    var dropHead = false

    @Flag(help: "Leave the pre-logits layer out.")
    var noPreLogits = false

    @Option(help: ArgumentHelp("The type of all parameters: f32, f16 or bf16.", valueName: "type"))
    var dtype: ParameterType?

    func apply(to options: inout ModelOptions) {
        options.classes = dropHead ? 0 : numClasses
        options.dropsPreLogits = noPreLogits
        options.dtype = dtype?.dtype
    }

    func validate() throws {
        if let numClasses, numClasses < 0 || numClasses > 1 << 24 {
            throw ValidationError("--num-classes must lie between 0 and \(1 << 24).")
        }
        if dropHead, numClasses ?? 0 > 0 {
            throw ValidationError("--drop-head and --num-classes exclude each other.")
        }
    }
}

enum ParameterType: String, ExpressibleByArgument, CaseIterable {
    case f32, f16, bf16

    var dtype: DType {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        }
    }
}

extension ViTConfiguration.GELU: ExpressibleByArgument {}

extension ViTConfiguration.Pooling: ExpressibleByArgument {}

extension ViTConfiguration.Size: ExpressibleByArgument {
    /// `224`, or height × width as `224x448`.
    public init?(argument: String) {
        let sides = argument.split(omittingEmptySubsequences: false) { "xX×".contains($0) }.map { Int($0) }
        guard let height = sides.first ?? nil, let width = sides.last ?? nil, sides.count <= 2,
            (1...1 << 16).contains(height), (1...1 << 16).contains(width)
        else { return nil }
        self.init(height: height, width: width)
    }
}

/// How far logits may lie apart.
struct ToleranceArguments: ParsableArguments {
    @Option(help: "The largest absolute difference of logits; by default what the stored type allows.")
    var absolute: Double?

    @Option(help: "The largest difference relative to the reference.")
    var relative: Double?

    @Option(
        help: ArgumentHelp(
            "The type in which the reference was computed, f16 or bf16: allows for its rounding.",
            valueName: "type"))
    var referenceDtype: ParameterType?

    var options: ToleranceOptions {
        ToleranceOptions(absolute: absolute, relative: relative, referenceDType: referenceDtype?.dtype)
    }

    func validate() throws {
        for value in [absolute, relative].compactMap({ $0 }) where !(value >= 0 && value.isFinite) {
            throw ValidationError("A tolerance must be a number of 0 or more.")
        }
    }
}
