import ArgumentParser
import ViTToolkit

struct Run: ParsableCommand, Talking {
    static let configuration = CommandConfiguration(
        abstract: "Classify a picture.",
        discussion: """
            MODEL is any checkpoint that can be converted. The picture, a JPEG or PNG, is made into the model's input as \
            timm does it for evaluation: resized (bicubic, with the crop ratio of the configuration), cropped in the \
            middle, normalised. What the checkpoint does not say of this can be set; an orientation in EXIF is not \
            heeded, as timm heeds none.

            --attention draws the picture as the model sees it in the light of its attention (attention rollout over \
            all blocks, arXiv 2005.00928): bright is what the class token's features are made of.

            EXAMPLES
              vit-convert run vit_base/ --image cat.jpg
              vit-convert run out.swt --image cat.jpg --labels imagenet.txt --top 3 --attention seen.png
              vit-convert run deit.pth --image 'photos/*.jpg' --mean imagenet --json
            """)

    @Argument(
        help: ArgumentHelp("The model: an .swt or any other checkpoint.", valueName: "model"),
        completion: .file())
    var path: String

    @Option(
        help: ArgumentHelp(
            "A picture, JPEG or PNG; may be repeated, and be a pattern in quotes.", valueName: "file"),
        completion: .file(extensions: ["jpg", "jpeg", "png"]))
    var image: [String] = []

    @Option(help: "How many classes are told.")
    var top = 5

    @Option(
        help: ArgumentHelp(
            "The names of the classes: a line for each, or JSON; by default what the checkpoint knows.",
            valueName: "file"), completion: .file())
    var labels: String?

    @Option(
        help: ArgumentHelp("Draw what the model looks at.", valueName: "out.png"),
        completion: .file(extensions: ["png"]))
    var attention: String?

    @Option(
        help: ArgumentHelp(
            "The mean of each channel: numbers, or imagenet, inception, clip.", valueName: "N,N,N"))
    var mean: ChannelValues?

    @Option(
        help: ArgumentHelp(
            "The standard deviation of each; by default that which goes with --mean.", valueName: "N,N,N"))
    var std: ChannelValues?

    @Option(help: "The part of the resized picture that is kept, along each side.")
    var cropRatio: Double?

    @Option(help: ArgumentHelp("Other proportions: center (cut), squash or border.", valueName: "mode"))
    var resizeMode: Resizing.Mode?

    @Option(help: ArgumentHelp("The filter: bicubic, bilinear or lanczos.", valueName: "filter"))
    var interpolation: Interpolation?

    @OptionGroup var threads: ThreadArguments
    @OptionGroup var model: ModelArguments
    @OptionGroup var talk: TalkArguments

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if image.isEmpty { throw ValidationError("Give a picture: --image FILE.") }
        if !(1...1 << 24).contains(top) { throw ValidationError("--top must be 1 or more.") }
        if let cropRatio, !(cropRatio > 0 && cropRatio <= 1) {
            throw ValidationError("--crop-ratio must be above 0 and at most 1.")
        }
        if attention != nil, image.count > 1 { throw ValidationError("--attention takes one picture.") }
        if let attention, !attention.lowercased().hasSuffix(".png") {
            throw ValidationError("The file for --attention must end in .png.")
        }
    }

    func run() throws {
        threads.apply()
        let classifier = try job {
            var options = ClassificationOptions()
            options.labels = try labels.map { try readLabels(at: $0) }
            options.mean = mean?.means
            options.standardDeviation = std?.deviations ?? mean?.impliedDeviations
            options.cropRatio = cropRatio
            options.mode = resizeMode
            options.interpolation = interpolation
            let prepared = try PreparedModel(try Streams.wholeCheckpoint(path), options: try model.options())
            let classifier = try Classifier(prepared, options: options)
            Standard.remark(prepared.remarks + classifier.remarks + [MatrixProduct.remark].compactMap { $0 })
            return classifier
        }
        let inputs = Inputs(image)
        try inputs.report(asJSON: json) { path in
            let picture = try Picture(path: path)
            let task = Progress.begin("classifying \(path)", of: 0)
            defer { task?.end() }
            let guesses = Array(try classifier.classify(picture).prefix(top))
            if let attention { try save(try classifier.attention(picture), to: attention) }
            return Outcome(
                json: { Self.json(path, picture, guesses) },
                text: { (inputs.areSeveral ? "\(path):\n" : "") + Self.text(guesses) })
        }
    }

    private static func text(_ guesses: [Classifier.Guess]) -> String {
        Text.table(
            guesses.map { guess in
                let percent = Text.right("\((guess.probability * 1000).rounded() / 10) %", 7)
                let bar =
                    Terminal.output.width == nil ? [] : [Text.left(Text.bar(guess.probability, of: 12), 12)]
                return [percent] + bar + [guess.label ?? "class \(guess.index)"]
            })
    }

    private static func json(_ path: String, _ picture: Picture, _ guesses: [Classifier.Guess]) -> JSONValue {
        .object([
            "file": .string(path), "width": .integer(picture.width), "height": .integer(picture.height),
            "classes": .array(
                guesses.map {
                    .object([
                        "index": .integer($0.index), "label": $0.label.map { .string($0) },
                        "probability": .number($0.probability),
                    ])
                }),
        ])
    }
}

/// A number for each channel, or the name of a set of means and standard deviations.
struct ChannelValues: ExpressibleByArgument {
    let means: [Double]
    let deviations: [Double]
    /// The standard deviations of a named set.
    let impliedDeviations: [Double]?

    /// Source: timm, `timm/data/constants.py`.
    private static let sets: [String: (means: [Double], deviations: [Double])] = [
        "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        "inception": ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
        "clip": ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    ]

    init?(argument: String) {
        if let set = Self.sets[argument.lowercased()] {
            (means, deviations, impliedDeviations) = (set.means, set.deviations, set.deviations)
            return
        }
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard numbers.count <= 4, numbers.allSatisfy({ $0?.isFinite ?? false }) else { return nil }
        (means, deviations, impliedDeviations) = (numbers.compactMap { $0 }, numbers.compactMap { $0 }, nil)
    }
}

extension Resizing.Mode: ExpressibleByArgument {}
extension Interpolation: ExpressibleByArgument {}
