import Checkpoints
import Layers
import Parity
import TensorCore
import WeightMapping

/// What the toolkit asks of an architecture: all in which it differs from others, in one place.
///
/// A new architecture is a folder beside this file, in which its configuration conforms, and a row in
/// ``Architectures/all``. Detection, mapping, `.swt` files, writing and verification know no more of it than this.
package protocol ModelConfiguration: Sendable {
    /// Its name: what stands before `.configuration` in an `.swt` file.
    static var architecture: String { get }
    /// What one of its models is called: "a Vision Transformer".
    static var noun: String { get }
    /// The names that its checkpoints come in; the first is the canonical one.
    static var schemes: [NamingScheme] { get }
    /// Whether the cause of a failed comparison can be looked for.
    static var isDiagnosed: Bool { get }

    /// Tells the configuration from names, shapes and what stands beside them; what the user says goes first.
    ///
    /// - Returns: the configuration, and what the user should hear.
    static func infer(
        from mapped: MappedModel, in checkpoint: Checkpoint, _ options: ModelOptions
    ) throws -> (Self, remarks: [String])
    /// Throws what says more about a checkpoint than that its names are not known.
    static func explain(_ checkpoint: Checkpoint) throws
    /// Refuses what the user may say of other architectures only.
    static func refuse(_ options: ModelOptions) throws

    /// Reads what ``json`` writes.
    init(json: JSONValue) throws
    /// The configuration of an `.swt` file.
    var json: JSONValue { get }
    /// A line that says what the model is.
    var summary: String { get }
    /// Every parameter, in the model's order.
    var parameters: [ModelParameter] { get }
    /// What layouts need and canonical shapes do not tell: `H`, the number of heads.
    var lengths: [String: Int] { get }
    /// What a container without a configuration has to be told when it is read back.
    var restated: ModelOptions { get }

    /// Takes over what the user says of a file that says everything itself.
    mutating func heed(_ options: ModelOptions)
    /// Changes the parameters as asked, and the configuration with them.
    mutating func adapt(_ mapped: inout MappedModel, _ options: ModelOptions) throws

    /// Proves that a framework would compute the same from its form of the parameters, and puts them into the form
    /// that it takes.
    ///
    /// - Returns: the parameters, still under canonical names, and what the user should hear.
    func prepare(
        _ parameters: [NamedTensor], for scheme: NamingScheme
    ) throws -> (parameters: [NamedTensor], remarks: [String])
    /// What a framework cannot tell from the tensors, in words.
    func remarks(on scheme: NamingScheme) -> [String]
    /// What stands beside the tensors where they are a framework's folder.
    func sidecars(in scheme: NamingScheme) throws -> [OutputLocation.Sidecar]

    /// Runs the model on a reference and compares what it computes.
    func verify(_ request: VerificationRequest) throws -> Verification
}

/// The architectures that the toolkit knows.
package enum Architectures {
    package static let all: [any ModelConfiguration.Type] = [
        ViTConfiguration.self, TransformerConfiguration.self,
    ]

    /// The architecture of a scheme's models; of a user's own, the one whose parameters it makes.
    static func of(_ scheme: NamingScheme) -> any ModelConfiguration.Type {
        if let known = all.first(where: { $0.schemes.contains { $0.name == scheme.name } }) { return known }
        let targets = Set(scheme.rules.flatMap { $0.targets.map(\.pattern) })
        return all.first { architecture in
            architecture.schemes[0].rules.contains { $0.targets.contains { targets.contains($0.pattern) } }
        } ?? all[0]
    }
}
