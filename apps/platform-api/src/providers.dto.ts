// How a provider is configured and shown.
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsObject, IsString, Length } from 'class-validator';
import { IsLine, IsSecret, OptionalOrNull } from './fields.dto.js';

export class ConfigureProviderRequest {
  @ApiProperty({ description: 'Name of a connector of this service, such as rfc7009.', example: 'rfc7009' })
  @IsString()
  @Length(1, 64)
  connector: string;

  @ApiProperty({ example: 'Acme identity' })
  @IsLine()
  displayName: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Checked by the connector. Never holds a secret.',
    example: { clientId: 'cascade', revocationEndpoint: 'https://idp.example.com/revoke' },
  })
  @IsObject()
  settings: Record<string, unknown>;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    writeOnly: true,
    description:
      'Our credentials at the provider. Left out: they stay as they are; with another connector or other settings that is refused (secret_needed), because they are not sent elsewhere than they were meant for. null: the provider has none.',
  })
  @OptionalOrNull()
  @IsSecret()
  secret?: string | null;
}

export class ProviderAnswer {
  @ApiProperty()
  id: string;

  @ApiProperty()
  connector: string;

  @ApiProperty()
  displayName: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  settings: Readonly<Record<string, unknown>>;

  @ApiProperty()
  hasSecret: boolean;
}

export class ProviderList {
  @ApiProperty({ type: [ProviderAnswer] })
  providers: ProviderAnswer[];
}
